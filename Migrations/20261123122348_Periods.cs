using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace UsageLogsSite.Migrations
{
    /// <inheritdoc />
    public partial class Periods : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Script("0004_periods_lock.sql");

            migrationBuilder.AddColumn<DateTime>(
                name: "occurred_at",
                table: "usage_deltas",
                type: "timestamp with time zone",
                nullable: true);

            migrationBuilder.AddColumn<string>(
                name: "time_zone",
                table: "rollup_state",
                type: "text",
                nullable: true);

            migrationBuilder.CreateTable(
                name: "usage_days",
                columns: table => new
                {
                    day = table.Column<DateOnly>(type: "date", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    requests = table.Column<long>(type: "bigint", nullable: false),
                    tokens = table.Column<long>(type: "bigint", nullable: false),
                    credits_used = table.Column<decimal>(type: "numeric", nullable: false),
                    credits_bought = table.Column<decimal>(type: "numeric", nullable: false),
                    cost_usd = table.Column<decimal>(type: "numeric", nullable: false),
                    revenue_usd = table.Column<decimal>(type: "numeric", nullable: false),
                    completed_payments = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_days", x => new { x.day, x.user_id });
                });

            migrationBuilder.CreateTable(
                name: "usage_hours",
                columns: table => new
                {
                    day = table.Column<DateOnly>(type: "date", nullable: false),
                    hour = table.Column<DateTime>(type: "timestamp with time zone", nullable: false),
                    user_type = table.Column<string>(type: "text", nullable: false),
                    requests = table.Column<long>(type: "bigint", nullable: false),
                    tokens = table.Column<long>(type: "bigint", nullable: false),
                    cost_usd = table.Column<decimal>(type: "numeric", nullable: false),
                    revenue_usd = table.Column<decimal>(type: "numeric", nullable: false),
                    completed_payments = table.Column<int>(type: "integer", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("pk_usage_hours", x => new { x.day, x.hour, x.user_type });
                });

            migrationBuilder.Script("0004_periods.sql");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Script("0004_periods_lock.sql");
            migrationBuilder.Script("0004_periods_down.sql");

            migrationBuilder.DropTable(
                name: "usage_days");

            migrationBuilder.DropTable(
                name: "usage_hours");

            migrationBuilder.DropColumn(
                name: "occurred_at",
                table: "usage_deltas");

            migrationBuilder.DropColumn(
                name: "time_zone",
                table: "rollup_state");
        }
    }
}
