import Diagnostics

/// The options of `stackctl compose` itself, which come before the verb, and those that many verbs share.
enum ComposeOptions {
    static let file = OptionDeclaration.list(
        "file", "f", .path("FILE"), "Compose file; later ones override earlier ones, - is standard input")
    static let projectName = OptionDeclaration.value(
        "project-name", "p", .text("NAME"), "Name of the project (default: the file's name:, else the directory's)")
    static let projectDirectory = OptionDeclaration.value(
        "project-directory", nil, .path("DIR"), "Where relative paths begin (default: the first file's directory)"
    ).named(also: "workdir")
    static let profile = OptionDeclaration.list(
        "profile", nil, .text("NAME"), "Profile to take in; * is all of them")
    static let environmentFile = OptionDeclaration.list(
        "env-file", nil, .path("FILE"), "Variables for the compose file, in place of .env")
    static let parallel = OptionDeclaration.value(
        "parallel", nil, .text("N"), "Requests at once at most; -1 is no limit")
    static let progress = OptionDeclaration.value(
        "progress", nil, .choice(["auto", "tty", "plain", "json", "quiet"]), "How it is shown what goes on")
    static let ansi = OptionDeclaration.value(
        "ansi", nil, .choice(["auto", "always", "never"]), "When colours and moving rows are used")
    static let dryRun = OptionDeclaration.flag(
        "dry-run", nil, "Only say what would be done; nothing is changed")
    static let allResources = OptionDeclaration.flag(
        "all-resources", nil, "Take in networks and volumes that no service uses")
    static let compatibility = OptionDeclaration.flag(
        "compatibility", nil, "Join names of containers with _ as docker-compose 1 did: refused")
    static let verbose = OptionDeclaration.flag("verbose", nil, "Accepted for Docker's sake")

    /// Those before the verb.
    static let beforeVerb = [
        file, projectName, projectDirectory, profile, environmentFile, parallel, progress, ansi, dryRun, allResources,
        compatibility, verbose,
    ]

    // MARK: Of verbs

    static let timeout = OptionDeclaration.value(
        "timeout", "t", .text("SECONDS"), "Seconds until SIGKILL (default: the service's stop_grace_period, else 10)")
    static let removeOrphans = OptionDeclaration.flag(
        "remove-orphans", nil, "Remove containers of services that the file does not have")
    static let yes = OptionDeclaration.flag(
        "yes", "y", "Do not ask, even where data would be lost")
    static let noDependencies = OptionDeclaration.flag(
        "no-deps", nil, "Leave what the services depend on alone")

    static let services = OperandDeclaration("SERVICE", .any, "Services (default: all)")
    static let service = OperandDeclaration("SERVICE", "The service")
    static let index = OptionDeclaration.value(
        "index", nil, .integer("N"), "Number of the container, where the service has several")
}
