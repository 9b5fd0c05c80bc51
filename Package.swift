// swift-tools-version: 6.2
import PackageDescription

/// Strictness that every Swift target shares.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Release executables carry the Swift runtime, so that a server needs no toolchain.
///
/// In debug the static runtime breaks the test build.
let staticRuntime: [SwiftSetting] = [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
///
/// `packaging/link` makes of `-lstdc++` the static library: binding the shared one takes 1.5 ms of each start.
let staticRuntimeLink: [LinkerSetting] = [
    .unsafeFlags(["-static-stdlib", "-L\(Context.packageDirectory)/packaging/link"], .when(configuration: .release))
]

/// `stack-init` enters containers: no Swift runtime, no dynamic loader.
let embedded: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableExperimentalFeature("Embedded"),
    .unsafeFlags(["-wmo"]),
]

/// A module's README says what it owns; it is no resource.
let readme = ["README.md"]

/// The parsers that are fuzzed: as ordinary tests, or, for `make fuzz`, as a program of libFuzzer.
let fuzzed: [Target.Dependency] = [
    "Archives", "Builder", "Diagnostics", "Dockerfile", "Engine", "EngineAPI", "HTTP", "ImageStore", "JSONText",
    "LaunchProgram", "Linux",
    "Networking", "OCI", "Registry", "RegistryServer", "Compose", "YAMLText", "StackModel",
]
let fuzzing: Target =
    Context.environment["STACKCTL_FUZZ"] == nil
    ? .testTarget(
        name: "FuzzingTests", dependencies: fuzzed, path: "Tests/Fuzzing",
        exclude: readme + ["Corpus", "Driver", "seeds.py"],
        sources: ["Targets", "Replay"], swiftSettings: strict)
    : .executableTarget(
        name: "Fuzzing", dependencies: fuzzed, path: "Tests/Fuzzing",
        exclude: readme + ["Corpus", "Replay", "seeds.py"],
        sources: ["Targets", "Driver"], swiftSettings: strict)

let package = Package(
    name: "stackctl",
    products: [
        .executable(name: "stackctl", targets: ["stackctl"]),
        .executable(name: "stack-init", targets: ["StackInit"]),
        .executable(name: "stack-manifest", targets: ["StackManifest"]),
        .library(name: "StackDSL", type: .dynamic, targets: ["StackDSL"]),
    ],
    dependencies: [],
    targets: [
        // Layer 0: C headers and the distribution's libraries.
        .target(name: "CLinux", exclude: readme),
        .target(name: "CManifest", exclude: readme),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // Loaded on first use by their shims, since the client must start at once.
        .systemLibrary(name: "CCrypto"),
        .systemLibrary(name: "CTLS"),
        .systemLibrary(name: "CZstd"),
        .systemLibrary(name: "CBzip2"),
        .systemLibrary(name: "CLzma"),
        .systemLibrary(name: "CISAL"),
        .systemLibrary(name: "CNftables"),
        .systemLibrary(name: "CCurl"),
        .systemLibrary(name: "CCrypt"),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

        // Layer 1: values and the kernel.
        .target(name: "JSONText", exclude: readme, swiftSettings: strict),
        .target(name: "Diagnostics", dependencies: ["JSONText"], exclude: readme, swiftSettings: strict),
        .target(name: "YAMLText", dependencies: ["CYAML"], exclude: readme, swiftSettings: strict),
        .target(name: "LaunchProgram", exclude: readme, swiftSettings: strict),
        .target(name: "Linux", dependencies: ["CLinux"], exclude: readme, swiftSettings: strict),
        .target(name: "StackModel", dependencies: ["Diagnostics", "JSONText"], exclude: readme, swiftSettings: strict),

        // Layer 2.
        .executableTarget(
            name: "StackInit", dependencies: ["CLinux"], exclude: readme + ["LaunchProgram/README.md"],
            swiftSettings: embedded,
            linkerSettings: [.unsafeFlags(["-static-executable"])]),
        .executableTarget(
            name: "StackManifest", dependencies: ["CManifest"], exclude: readme, swiftSettings: embedded),
        .target(
            name: "StackDSL", dependencies: ["StackModel", "Diagnostics", "JSONText"], exclude: readme,
            swiftSettings: strict),
        .target(name: "HTTP", dependencies: ["Linux", "CTLS", "JSONText"], exclude: readme, swiftSettings: strict),
        .target(name: "OCI", dependencies: ["Diagnostics", "JSONText"], exclude: readme, swiftSettings: strict),
        .target(
            name: "Archives", dependencies: ["Linux", "CZlib", "CZstd", "CBzip2", "CLzma", "CISAL", "CCrypto"],
            exclude: readme,
            swiftSettings: strict),
        .target(
            name: "StateStore", dependencies: ["CSQLite", "Linux", "StackModel", "Diagnostics", "JSONText"],
            exclude: readme,
            swiftSettings: strict),

        // Layer 3.
        .target(
            name: "ImageStore",
            dependencies: ["OCI", "Archives", "StateStore", "Linux", "Diagnostics", "JSONText"], exclude: readme,
            swiftSettings: strict),
        .target(
            name: "Registry",
            dependencies: [
                "ImageStore", "OCI", "HTTP", "Archives", "Linux", "CCurl", "Diagnostics", "JSONText",
            ], exclude: readme,
            swiftSettings: strict),
        .target(
            name: "RegistryServer",
            dependencies: [
                "Registry", "OCI", "HTTP", "Archives", "Linux", "CCrypt", "Diagnostics", "JSONText",
            ], exclude: readme,
            swiftSettings: strict),
        .target(
            name: "Runtime", dependencies: ["OCI", "Linux", "LaunchProgram", "Diagnostics", "JSONText"],
            exclude: readme,
            swiftSettings: strict),
        .target(
            name: "Networking", dependencies: ["Linux", "StateStore", "CNftables", "Diagnostics", "JSONText"],
            exclude: readme,
            swiftSettings: strict),
        .target(
            name: "Manifest",
            dependencies: ["StackModel", "Runtime", "Archives", "Linux", "Diagnostics", "JSONText"], exclude: readme,
            swiftSettings: strict),
        .target(
            name: "Apply", dependencies: ["StackModel", "StateStore", "Linux", "Diagnostics", "JSONText"],
            exclude: readme,
            swiftSettings: strict),

        .target(
            name: "Dockerfile", dependencies: ["StackModel", "Diagnostics", "JSONText"], exclude: readme,
            swiftSettings: strict),

        .target(
            name: "Compose", dependencies: ["YAMLText", "StackModel", "Diagnostics", "JSONText"], exclude: readme,
            swiftSettings: strict),

        // Layer 4 and 5.
        .target(
            name: "Builder",
            dependencies: [
                "Dockerfile", "ImageStore", "Registry", "Runtime", "LaunchProgram", "HTTP", "StateStore", "OCI",
                "Archives", "Linux", "Diagnostics", "JSONText",
            ], exclude: readme,
            swiftSettings: strict),
        .target(
            name: "Engine",
            dependencies: [
                "Builder", "Dockerfile", "ImageStore", "Registry", "Runtime", "LaunchProgram", "Networking",
                "StateStore", "OCI", "Archives",
                "Linux", "Diagnostics", "JSONText",
            ], exclude: readme,
            swiftSettings: strict),
        .target(
            name: "Providers",
            dependencies: [
                "Apply", "Engine", "Builder", "Dockerfile", "StackModel", "StateStore", "OCI", "ImageStore", "Registry",
                "Networking", "Runtime", "Archives",
                "Linux", "Diagnostics", "JSONText",
            ], exclude: readme,
            swiftSettings: strict),
        .target(
            name: "EngineAPI",
            dependencies: [
                "HTTP", "Engine", "Builder", "Dockerfile", "Archives", "Apply", "StackModel", "StateStore",
                "ImageStore", "Registry", "Networking",
                "Runtime",
                "OCI", "Linux", "Diagnostics", "JSONText",
            ], exclude: readme,
            swiftSettings: strict),

        // Layer 6.
        .executableTarget(
            name: "stackctl",
            dependencies: [
                "Manifest", "Compose", "YAMLText", "EngineAPI", "Providers", "Engine", "Builder", "Dockerfile", "Apply",
                "StateStore", "StackModel", "ImageStore",
                "Registry", "Networking", "Runtime", "RegistryServer", "LaunchProgram", "HTTP", "OCI", "Archives",
                "Linux", "Diagnostics", "JSONText",
            ], exclude: readme,
            swiftSettings: strict + staticRuntime,
            linkerSettings: staticRuntimeLink),

        // Tests. Pure ones by module; the kernel's in IntegrationTests.
        .testTarget(name: "JSONTextTests", dependencies: ["JSONText"], swiftSettings: strict),
        .testTarget(name: "DiagnosticsTests", dependencies: ["Diagnostics", "JSONText"], swiftSettings: strict),
        .testTarget(name: "LaunchProgramTests", dependencies: ["LaunchProgram"], swiftSettings: strict),
        .testTarget(name: "LinuxTests", dependencies: ["Linux"], swiftSettings: strict),
        .testTarget(
            name: "StackModelTests", dependencies: ["StackModel", "Diagnostics", "JSONText"], swiftSettings: strict),
        .testTarget(
            name: "StackDSLTests", dependencies: ["StackDSL", "StackModel", "Diagnostics", "JSONText", "Linux"],
            exclude: ["CompileErrors"], swiftSettings: strict),
        .testTarget(name: "HTTPTests", dependencies: ["HTTP", "Linux", "JSONText"], swiftSettings: strict),
        .testTarget(name: "OCITests", dependencies: ["OCI", "JSONText"], swiftSettings: strict),
        .testTarget(name: "ArchivesTests", dependencies: ["Archives", "Linux"], swiftSettings: strict),
        .testTarget(
            name: "StateStoreTests", dependencies: ["StateStore", "StackModel", "Linux", "Diagnostics", "JSONText"],
            swiftSettings: strict),
        .testTarget(
            name: "RegistryTests", dependencies: ["Registry", "HTTP", "OCI", "Archives", "Linux", "JSONText"],
            swiftSettings: strict),
        .testTarget(
            name: "RegistryServerTests",
            dependencies: ["RegistryServer", "HTTP", "OCI", "Archives", "Linux", "Diagnostics", "JSONText"],
            swiftSettings: strict),
        .testTarget(
            name: "RuntimeTests", dependencies: ["Runtime", "LaunchProgram", "Linux"], swiftSettings: strict),
        .testTarget(
            name: "NetworkingTests", dependencies: ["Networking", "StateStore", "Linux", "JSONText"],
            swiftSettings: strict),
        .testTarget(
            name: "ManifestTests",
            dependencies: ["Manifest", "Compose", "StackModel", "Linux", "Diagnostics", "JSONText"],
            swiftSettings: strict),
        .testTarget(
            name: "ApplyTests",
            dependencies: ["Apply", "StackModel", "StateStore", "Linux", "Diagnostics", "JSONText"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "EngineTests",
            dependencies: [
                "Engine", "Builder", "Dockerfile", "Providers", "EngineAPI", "HTTP", "OCI", "LaunchProgram",
                "StackModel", "Linux",
                "Diagnostics",
                "JSONText",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "stackctl", "Compose", "Engine", "Builder", "Dockerfile", "HTTP", "Linux", "Diagnostics", "JSONText",
            ],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "DockerfileTests", dependencies: ["Dockerfile", "Linux", "Diagnostics", "JSONText"],
            exclude: ["Golden"], swiftSettings: strict),
        .testTarget(
            name: "YAMLTextTests", dependencies: ["YAMLText", "Linux"], swiftSettings: strict),
        .testTarget(
            name: "ComposeTests",
            dependencies: ["Compose", "YAMLText", "StackModel", "Linux", "Diagnostics", "JSONText"],
            exclude: ["Corpus", "Golden"], swiftSettings: strict),
        .testTarget(
            name: "BuilderTests",
            dependencies: [
                "Builder", "Dockerfile", "ImageStore", "OCI", "Archives", "Linux", "Diagnostics", "JSONText",
            ], swiftSettings: strict),
        .testTarget(name: "HouseTests", dependencies: ["Linux"], swiftSettings: strict),
        fuzzing,
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Manifest", "Compose", "YAMLText", "EngineAPI", "Providers", "Engine", "Builder", "Dockerfile", "Apply",
                "StateStore", "StackModel", "ImageStore",
                "Networking", "Runtime", "Registry", "RegistryServer", "LaunchProgram", "HTTP", "OCI", "Archives",
                "Linux", "Diagnostics", "JSONText",
            ],
            exclude: ["Client/Transcripts", "Clients", "Builds/Corpus"], swiftSettings: strict),
    ]
)
