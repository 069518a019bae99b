using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace UsageLogsSite.Migrations
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "rollup_state",
                columns: table => new
                {
                    id = table.Column<bool>(type: "boolean", nullable: false),
                    awake_until = table.Column<DateTime>(type: "timestamp with time zone", nullable: false, defaultValueSql: "'-infinity'")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_rollup_state", x => x.id);
                    table.CheckConstraint("ck_rollup_state_one_row", "id");
                });

            migrationBuilder.CreateTable(
                name: "usage_deltas",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: true),
                    requests = table.Column<int>(type: "integer", nullable: false, defaultValue: 0),
                    tokens = table.Column<long>(type: "bigint", nullable: false, defaultValue: 0L),
                    credits_used = table.Column<decimal>(type: "numeric", nullable: false, defaultValue: 0m),
                    credits_bought = table.Column<decimal>(type: "numeric", nullable: false, defaultValue: 0m),
                    cost_usd = table.Column<decimal>(type: "numeric", nullable: false, defaultValue: 0m),
                    revenue_usd = table.Column<decimal>(type: "numeric", nullable: false, defaultValue: 0m),
                    completed_payments = table.Column<int>(type: "integer", nullable: false, defaultValue: 0)
                },
                constraints: table =>
                {
                });

            migrationBuilder.CreateTable(
                name: "usage_totals",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_type = table.Column<string>(type: "text", nullable: false),
                    requests = table.Column<long>(type: "bigint", nullable: false),
                    tokens = table.Column<long>(type: "bigint", nullable: false),
                    credits_used = table.Column<decimal>(type: "numeric", nullable: false),
                    credits_bought = table.Column<decimal>(type: "numeric", nullable: false),
                    cost_usd = table.Column<decimal>(type: "numeric", nullable: false),
                    revenue_usd = table.Column<decimal>(type: "numeric", nullable: false),
                    completed_payments = table.Column<int>(type: "integer", nullable: false),
                    last_activity = table.Column<DateTime>(type: "timestamp with time zone", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_totals", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "users",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, defaultValueSql: "gen_random_uuid()"),
                    email = table.Column<string>(type: "text", nullable: false),
                    name = table.Column<string>(type: "text", nullable: false, defaultValue: ""),
                    user_type = table.Column<string>(type: "text", nullable: false, defaultValue: "external"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_users", x => x.id);
                    table.CheckConstraint("ck_users_created_at", "created_at >= '1970-01-01 00:00:00+00' AND created_at < '2200-01-01 00:00:00+00'");
                    table.CheckConstraint("ck_users_email", "char_length(email) <= 320");
                    table.CheckConstraint("ck_users_name", "char_length(name) <= 200");
                    table.CheckConstraint("ck_users_user_type", "user_type IN ('internal', 'external')");
                });

            migrationBuilder.CreateTable(
                name: "credit_purchases",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, defaultValueSql: "gen_random_uuid()"),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    amount_usd = table.Column<decimal>(type: "numeric(20,10)", nullable: false),
                    credits = table.Column<decimal>(type: "numeric(20,10)", nullable: false, defaultValue: 0m),
                    status = table.Column<string>(type: "text", nullable: false, defaultValue: "pending"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_credit_purchases", x => x.id);
                    table.CheckConstraint("ck_credit_purchases_amount_usd", "amount_usd >= 0 AND amount_usd <> 'NaN'");
                    table.CheckConstraint("ck_credit_purchases_created_at", "created_at >= '1970-01-01 00:00:00+00' AND created_at < '2200-01-01 00:00:00+00'");
                    table.CheckConstraint("ck_credit_purchases_credits", "credits >= 0 AND credits <> 'NaN'");
                    table.CheckConstraint("ck_credit_purchases_status", "status IN ('pending', 'completed', 'failed', 'refunded')");
                    table.ForeignKey(
                        name: "fk_credit_purchases_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id");
                });

            migrationBuilder.CreateTable(
                name: "usage_logs",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false, defaultValueSql: "gen_random_uuid()"),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    model = table.Column<string>(type: "text", nullable: false),
                    prompt_tokens = table.Column<int>(type: "integer", nullable: false, defaultValue: 0),
                    completion_tokens = table.Column<int>(type: "integer", nullable: false, defaultValue: 0),
                    credits = table.Column<decimal>(type: "numeric(20,10)", nullable: false, defaultValue: 0m),
                    cost_usd = table.Column<decimal>(type: "numeric(20,10)", nullable: false, defaultValue: 0m),
                    status = table.Column<string>(type: "text", nullable: false, defaultValue: "succeeded"),
                    created_at = table.Column<DateTime>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_logs", x => x.id);
                    table.CheckConstraint("ck_usage_logs_completion_tokens", "completion_tokens >= 0");
                    table.CheckConstraint("ck_usage_logs_cost_usd", "cost_usd >= 0 AND cost_usd <> 'NaN'");
                    table.CheckConstraint("ck_usage_logs_created_at", "created_at >= '1970-01-01 00:00:00+00' AND created_at < '2200-01-01 00:00:00+00'");
                    table.CheckConstraint("ck_usage_logs_credits", "credits >= 0 AND credits <> 'NaN'");
                    table.CheckConstraint("ck_usage_logs_model", "char_length(model) <= 200");
                    table.CheckConstraint("ck_usage_logs_prompt_tokens", "prompt_tokens >= 0");
                    table.CheckConstraint("ck_usage_logs_status", "status IN ('succeeded', 'failed')");
                    table.ForeignKey(
                        name: "fk_usage_logs_users_user_id",
                        column: x => x.user_id,
                        principalTable: "users",
                        principalColumn: "id");
                });

            migrationBuilder.CreateIndex(
                name: "ix_credit_purchases_user_id_created_at",
                table: "credit_purchases",
                columns: new[] { "user_id", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_logs_user_id_created_at",
                table: "usage_logs",
                columns: new[] { "user_id", "created_at" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_totals_cost_usd_user_id",
                table: "usage_totals",
                columns: new[] { "cost_usd", "user_id" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_totals_credits_used_user_id",
                table: "usage_totals",
                columns: new[] { "credits_used", "user_id" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_totals_last_activity_user_id",
                table: "usage_totals",
                columns: new[] { "last_activity", "user_id" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_totals_requests_user_id",
                table: "usage_totals",
                columns: new[] { "requests", "user_id" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_totals_revenue_usd_user_id",
                table: "usage_totals",
                columns: new[] { "revenue_usd", "user_id" });

            migrationBuilder.CreateIndex(
                name: "ix_usage_totals_tokens_user_id",
                table: "usage_totals",
                columns: new[] { "tokens", "user_id" });

            migrationBuilder.CreateIndex(
                name: "ix_users_name_id",
                table: "users",
                columns: new[] { "name", "id" });

            migrationBuilder.Script("0001_rollup.sql");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Script("0001_rollup_down.sql");

            migrationBuilder.DropTable(
                name: "credit_purchases");

            migrationBuilder.DropTable(
                name: "rollup_state");

            migrationBuilder.DropTable(
                name: "usage_deltas");

            migrationBuilder.DropTable(
                name: "usage_logs");

            migrationBuilder.DropTable(
                name: "usage_totals");

            migrationBuilder.DropTable(
                name: "users");
        }
    }
}
