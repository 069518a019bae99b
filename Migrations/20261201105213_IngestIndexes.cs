using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace UsageLogsSite.Migrations
{
    /// <inheritdoc />
    public partial class IngestIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_ingest_requests_at",
                table: "ingest_requests");

            migrationBuilder.DropIndex(
                name: "ix_ingest_ids_at",
                table: "ingest_ids");

            migrationBuilder.CreateIndex(
                name: "ix_ingest_requests_at",
                table: "ingest_requests",
                column: "at");

            migrationBuilder.CreateIndex(
                name: "ix_ingest_ids_at",
                table: "ingest_ids",
                column: "at");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_ingest_requests_at",
                table: "ingest_requests");

            migrationBuilder.DropIndex(
                name: "ix_ingest_ids_at",
                table: "ingest_ids");

            migrationBuilder.CreateIndex(
                name: "ix_ingest_requests_at",
                table: "ingest_requests",
                column: "at")
                .Annotation("Npgsql:IndexMethod", "brin");

            migrationBuilder.CreateIndex(
                name: "ix_ingest_ids_at",
                table: "ingest_ids",
                column: "at")
                .Annotation("Npgsql:IndexMethod", "brin");
        }
    }
}
