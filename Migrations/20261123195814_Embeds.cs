using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace UsageLogsSite.Migrations
{
    /// <inheritdoc />
    public partial class Embeds : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "embeds",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, defaultValueSql: "gen_random_uuid()"),
                    name = table.Column<string>(type: "text", nullable: false),
                    token_hash = table.Column<byte[]>(type: "bytea", nullable: true),
                    secret = table.Column<byte[]>(type: "bytea", nullable: true),
                    filter = table.Column<string>(type: "text", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: true),
                    columns = table.Column<string[]>(type: "text[]", nullable: false),
                    theme = table.Column<string>(type: "text", nullable: false),
                    origins = table.Column<string[]>(type: "text[]", nullable: false),
                    expires_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    created_by = table.Column<Guid>(type: "uuid", nullable: true),
                    revoked_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_embeds", x => x.id);
                    table.CheckConstraint("ck_embeds_kind", "num_nonnulls(token_hash, secret) = 1 AND num_nonnulls(user_id, secret) < 2");
                    table.CheckConstraint("ck_embeds_name", "char_length(name) <= 100");
                    table.CheckConstraint("ck_embeds_theme", "theme IN ('auto', 'light', 'dark', 'transparent')");
                });

            migrationBuilder.CreateIndex(
                name: "ix_embeds_token_hash",
                table: "embeds",
                column: "token_hash",
                unique: true);
            migrationBuilder.Script("0009_embeds.sql");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Script("0009_embeds_down.sql");
            migrationBuilder.DropTable(
                name: "embeds");
        }
    }
}
