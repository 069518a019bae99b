using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace UsageLogsSite.Migrations
{
    /// <inheritdoc />
    public partial class FailedLogs : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateIndex(
                name: "ix_usage_logs_failed",
                table: "usage_logs",
                columns: new[] { "user_id", "created_at" },
                filter: "status = 'failed'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_usage_logs_failed",
                table: "usage_logs");
        }
    }
}
