# syntax=docker/dockerfile:1
FROM mcr.microsoft.com/dotnet/sdk:10.0-noble AS build
# npm brings the local copy of htmx, for networks that do not reach the CDN.
RUN apt-get update && apt-get install -y --no-install-recommends npm && rm -rf /var/lib/apt/lists/*
WORKDIR /source

# What packages depend on first: a change of the code restores nothing.
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig package.json package-lock.json .npmrc ./
COPY Migrations/UsageLogsSite.Migrations.csproj Migrations/packages.lock.json Migrations/
COPY UsageLogsSite.Data/UsageLogsSite.Data.csproj UsageLogsSite.Data/packages.lock.json UsageLogsSite.Data/
COPY UsageLogsSite/UsageLogsSite.csproj UsageLogsSite/packages.lock.json UsageLogsSite/
RUN dotnet restore UsageLogsSite --locked-mode

COPY Migrations Migrations
COPY UsageLogsSite.Data UsageLogsSite.Data
COPY UsageLogsSite UsageLogsSite
COPY wwwroot wwwroot
RUN dotnet publish UsageLogsSite -c Release -o /app --no-restore

# No shell, no package manager, a user without rights; "extra" brings the time zones that Usage:TimeZone names.
FROM mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra
WORKDIR /app
COPY --from=build /app .
# There is no Kerberos in this image: without this, Npgsql looks for it at each connection, and complains.
ENV PGGSSENCMODE=disable
# Where the base image says that it listens: ASPNETCORE_HTTP_PORTS.
EXPOSE 8080
USER $APP_UID
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["dotnet", "UsageLogsSite.dll", "health"]
ENTRYPOINT ["dotnet", "UsageLogsSite.dll"]
