import Builder
import ImageStore
import JSONText
import Linux
import OCI

extension HostEngine {
    /// What differs between two images: their files as a container sees them, and their configurations.
    ///
    /// - Parameter comparingTimes: whether a file is another where only its time is.
    package func difference(
        from: String, to: String, comparingTimes: Bool = false
    ) async throws -> ImageDifference {
        let before = try await image(named: from)
        let after = try await image(named: to)
        var difference = ImageDifference(from: before.id.description, to: after.id.description)
        difference.settings = ConfigurationComparison.settings(before.config, after.config)
        guard before.layers != after.layers else { return difference }
        let old = try await layerMounts.hold(before)
        defer {
            layerMounts.release(before.id)
            sweepLayersLater()
        }
        let new = try await layerMounts.hold(after)
        defer { layerMounts.release(after.id) }
        // Layers that both begin with have the same files in both, unless one of the others has them too.
        let shared = zip(before.layers, after.layers).prefix { $0 == $1 }.count
        let scratch = "\(configuration.runDirectory)/fill-\(try Random.hex(bytes: 8))"
        let empty = emptyDirectory
        difference.files = try await BlockingExecutor.shared.run {
            var candidates: Set<[UInt8]> = []
            // A layer that is there twice is laid down once, at its upper place.
            let above = old.prefix(Set(before.layers.dropFirst(shared)).count)
            for layer in above + new.prefix(Set(after.layers.dropFirst(shared)).count) {
                try TreeComparison.collect(try Files.open(layer, [.directory]).shared(), into: &candidates)
            }
            return try TreeComparison.run(
                try MergedView.open(old, scratch: scratch, empty: empty),
                try MergedView.open(new, scratch: scratch, empty: empty),
                comparesTimes: comparingTimes, candidates: shared > 0 ? candidates : nil)
        }
        return difference
    }
}

/// What differs between two configurations.
enum ConfigurationComparison {
    /// Lists by name where the entries have names.
    static func settings(_ before: ImageConfig, _ after: ImageConfig) -> [ImageDifference.Setting] {
        let (old, new) = (before.execution, after.execution)
        var settings: [ImageDifference.Setting] = []
        func compare(_ field: String, _ old: JSONValue?, _ new: JSONValue?) {
            guard old != new else { return }
            settings.append(ImageDifference.Setting(field: field, before: old, after: new))
        }
        func compare(_ field: String, _ old: [String: String], _ new: [String: String]) {
            for name in Set(old.keys).union(new.keys).sorted() where old[name] != new[name] {
                settings.append(
                    ImageDifference.Setting(
                        field: field, name: name, before: old[name].map { .string($0) },
                        after: new[name].map { .string($0) }))
            }
        }
        compare("Platform", .string(before.platform.description), .string(after.platform.description))
        compare("Env", variables(old.env), variables(new.env))
        let fields = [
            "User", "WorkingDir", "Entrypoint", "Cmd", "Healthcheck", "OnBuild", "StopSignal", "StopTimeout", "Shell",
        ]
        for field in fields { compare(field, old.json[field], new.json[field]) }
        compare("Labels", old.labels, new.labels)
        compare("ExposedPorts", marks(old.exposedPorts), marks(new.exposedPorts))
        compare("Volumes", marks(old.volumes), marks(new.volumes))
        return settings
    }

    private static func variables(_ entries: [String]) -> [String: String] {
        var result: [String: String] = [:]
        for entry in entries {
            let name = entry.prefix { $0 != "=" }
            result[String(name)] = String(entry.dropFirst(name.count + 1))
        }
        return result
    }

    private static func marks(_ names: [String]) -> [String: String] {
        Dictionary(names.map { ($0, "") }) { first, _ in first }
    }
}
