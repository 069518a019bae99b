using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.Extensions.WebEncoders;
using UsageLogsSite.Access;
using UsageLogsSite.Decisions;
using UsageLogsSite.Pages.Usage;
using UsageLogsSite.Pages.Users;
using UsageLogsSite.Pages.Widget;
using UsageLogsSite.Queries;
using UsageLogsSite.Saved;

namespace UsageLogsSite.Pages;

/// <summary>Adds the pages and the questions they ask.</summary>
internal static class PagesSetup
{
    internal static void AddPages(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<UsageTable>();
        builder.Services.AddSingleton<UserModels>();
        builder.Services.AddSingleton<UserHistory>();
        builder.Services.AddSingleton<UsageExport>();
        builder.Services.AddSingleton<ExportEndpoint>();
        builder.Services.AddSingleton<QuestionReader>();
        builder.Services.AddSingleton<PageMetrics>();
        builder.Services.AddSingleton<UsageFragments>();
        builder.Services.AddCompression();
        builder.Services.AddSingleton<WidgetEndpoint>();
        builder.Services.AddSingleton<DecisionTaker>();
        builder.Services.AddSingleton<SavedViews>();
        builder.Services.AddRazorPages(options =>
        {
            options.Conventions.ConfigureFilter(new RefuseUnhandledMethods());
            options.Conventions.AddPageRoute("/Users/Log", LogModel.OwnAddress);
            options.Conventions.AuthorizeFolder("/Admin", AccessSetup.OwnersOnly);
            options.Conventions.AuthorizePage("/Users/Decide", AccessSetup.OwnersOnly);
        }).AddMvcOptions(mvc =>
        {
            // Names as jQuery writes them are in no form of ours, and one without its closing bracket makes the framework fail.
            mvc.ValueProviderFactories.RemoveType<JQueryFormValueProviderFactory>();
            mvc.ValueProviderFactories.RemoveType<JQueryQueryStringValueProviderFactory>();
        });

        // Names of all scripts go out as they are, instead of as entities.
        builder.Services.Configure<WebEncoderOptions>(options => options.TextEncoderSettings = new TextEncoderSettings(UnicodeRanges.All));
    }

    internal static void MapPages(this WebApplication app)
    {
        app.MapStaticAssets().ShortCircuit(); // open to everybody, and nobody is looked up for them
        app.MapUsageTable();
        ExportEndpoint.Map(app);
        WidgetEndpoint.Map(app);
        app.MapRazorPages().WithStaticAssets();
        app.MapGet("/", () => Results.Redirect("/usage"));
    }
}
