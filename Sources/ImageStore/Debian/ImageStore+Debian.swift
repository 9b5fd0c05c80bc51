import Archives
import Diagnostics
import JSONText
import Linux
import OCI
import StateStore

extension ImageStore {
    /// Makes an image of Debian packages with mmdebstrap.
    ///
    /// The versions of every package are recorded with the description. The next build of the same description asks for
    /// the same versions, and is not run at all when its layer is still there.
    ///
    /// - Throws: `Diagnostic`: mmdebstrap is missing or failed (with its last lines), or a locked version is gone.
    package func buildDebian(
        _ image: DebianImage, reference: ImageReference?, changes: ConfigurationChanges = .init(),
        progress: ImageProgress? = nil
    ) async throws -> DebianBuild {
        let request = try DebianRequest(image)
        let key = request.key
        let recorded = try await read { tables in try tables.debianLock(key: key) }
        let lock = try (image.lock ?? recorded).map { lines throws(Diagnostic) in try DebianLock(lines: lines) }
        if let lock, let diffID = try await builtLayer(key: key, lock: lock) {
            let stored = try await assemble(diffID, lock: lock, request, reference: reference, changes: changes)
            return DebianBuild(image: stored, lock: lock.lines, cached: true)
        }
        let (staged, installed) = try await bootstrap(request, lock: lock, progress: progress)
        let stored = try await adopt(
            staged, reference: reference, changes: changes, origin: origin(request, installed),
            defaults: Self.debianDefaults)
        try await remember(key: key, lock: installed, diffID: staged.diffID)
        return DebianBuild(image: stored, lock: installed.lines, cached: false)
    }

    /// Forgets the versions recorded for a description, so that the next build takes what the mirror has.
    package func forgetDebianLock(_ image: DebianImage) async throws {
        let key = try DebianRequest(image).key
        try await write { tables in try tables.deleteDebianLock(key: key) }
    }

    /// As Debian's own images: a search path and a shell.
    static var debianDefaults: ExecutionParameters {
        var parameters = ExecutionParameters()
        parameters.env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        parameters.command = ["/bin/bash"]
        return parameters
    }

    /// What images say of their making; the packages are what `inspect` shows and a lock is made of.
    private func origin(_ request: DebianRequest, _ lock: DebianLock) -> JSONObject {
        var debian = JSONObject()
        debian["suite"] = .string(request.suite)
        debian["variant"] = .string(request.variant)
        debian["packages"] = .array(request.packages.map { .string($0) })
        debian["lock"] = .array(lock.lines.map { .string($0) })
        var object = JSONObject()
        object["debian"] = .object(debian)
        return object
    }

    // MARK: What was built before

    private static func buildKey(_ key: String, _ lock: DebianLock) -> String {
        "debian-build/" + SHA256.hex(of: Array((key + "\n" + lock.lines.joined(separator: "\n")).utf8))
    }

    private func builtLayer(key: String, lock: DebianLock) async throws -> Digest? {
        try await read { tables in
            guard let text = try tables.value(forKey: Self.buildKey(key, lock)), let diffID = Digest(text),
                try tables.layer(diffID: text) != nil
            else { return nil }
            return diffID
        }
    }

    private func remember(key: String, lock: DebianLock, diffID: Digest) async throws {
        try await write { tables in
            try tables.saveDebianLock(key: key, packages: lock.lines, created: Clock.now().nanosecondsSinceEpoch)
            try tables.setValue(diffID.description, forKey: Self.buildKey(key, lock))
        }
    }

    /// Makes the image of a layer that is there already.
    private func assemble(
        _ diffID: Digest, lock: DebianLock, _ request: DebianRequest, reference: ImageReference?,
        changes: ConfigurationChanges
    ) async throws -> StoredImage {
        let row = try await read { tables in try tables.layer(diffID: diffID.description) }
        let created = row?.spec["newest"]?.stringValue
        let config = ImageConfig(
            created: created, execution: changes.applied(to: Self.debianDefaults), diffIDs: [diffID],
            history: [ImageConfig.History(created: created, createdBy: "stackctl import debian")])
        return try await save(config, reference: reference, newLayer: nil, attributes: origin(request, lock))
    }

    // MARK: Building

    private func bootstrap(
        _ request: DebianRequest, lock: DebianLock?, progress: ImageProgress?
    ) async throws -> (LayerStore.Staged, DebianLock) {
        let day: Int64 = 86_400
        let date = lock?.date ?? Clock.now().seconds / day * day
        let layers = layers
        return try await withBuildDirectory { directory in
            let sources = Self.sources(request)
            let run = Mmdebstrap(
                request: request, lock: lock, date: date, sources: sources, workDirectory: directory)
            progress?(ImageProgressUpdate(message: "installing Debian \(request.suite) packages"))
            let running = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
                try reporting("starting mmdebstrap") { try run.start() }
            }
            defer { withExtendedLifetime(running.parent) {} }
            async let messages = Self.surface(running.messages, to: progress)
            let capture = CapturedStatus()
            let outcome = await Self.receive(running.archive, into: layers, capture)
            let status = try await running.child.exitStatus()
            let lines = await messages
            do {
                guard status == .exited(0) else { throw Self.failed(status, lines) }
                let staged = try outcome.get()
                let installed = DebianLock(
                    date: date,
                    installed: DpkgStatus.installed(capture.text, architecture: Platform.host.architecture))
                if let lock, let difference = lock.difference(from: installed, requested: request.packages) {
                    throw difference
                }
                return (staged, installed)
            } catch {
                if case .success(let staged) = outcome { layers.discard(staged) }
                throw error
            }
        }
    }

    /// A directory for what mmdebstrap reads and puts together; where a crash leaves it, the next start removes it.
    private func withBuildDirectory<Value: Sendable>(
        _ body: (String) async throws -> Value
    ) async throws -> Value {
        let incoming = layout.incoming
        let directory = try await BlockingExecutor.shared.run { () throws(Diagnostic) in
            try reporting("making a directory to build in") {
                let directory = "\(incoming)/debian-\(try Random.hex(bytes: 8))"
                // apt gives its rights up for the download, and must reach the directory all the same.
                try Files.makeDirectories(incoming, mode: 0o711)
                try Files.chmod(incoming, mode: 0o711)
                try Files.makeDirectory(directory, mode: 0o755)
                return directory
            }
        }
        let result: Result<Value, any Error>
        do { result = .success(try await body(directory)) } catch { result = .failure(error) }
        _ = await BlockingExecutor.shared.run { try? Files.removeTree(directory) }
        return try result.get()
    }

    /// The archives to install from; empty where mmdebstrap's own choice is right.
    private static func sources(_ request: DebianRequest) -> [String] {
        if let mirror = request.mirror {
            return [AptSources.Archive(uri: mirror, suite: request.suite, components: ["main"]).line]
        }
        return AptSources.ofHost(suite: request.suite).map { archive in
            var archive = archive
            archive.components = ["main"]
            return archive.line
        }
    }

    /// Tells how far mmdebstrap is, and returns the last lines of its messages.
    private static func surface(_ messages: SharedDescriptor, to progress: ImageProgress?) async -> [String] {
        await BlockingExecutor.shared.run {
            let reader = LineReader(messages, keeping: 30)
            let lines = try? reader.run { line in
                if let phase = Mmdebstrap.phase(of: line) { progress?(ImageProgressUpdate(message: phase)) }
            }
            return lines ?? []
        }
    }

    /// Writes the archive as a layer.
    ///
    /// What is left of it after a failure is read all the same, so that mmdebstrap ends by itself and cleans up.
    private static func receive(
        _ archive: SharedDescriptor, into layers: LayerStore, _ capture: CapturedStatus
    ) async -> Result<LayerStore.Staged, any Error> {
        await BlockingExecutor.shared.run {
            do {
                let files = FileCapture([CapturedStatus.path])
                let staged = try layers.stage(tar: DescriptorSource(archive), capture: files)
                capture.set(files.files[Array(CapturedStatus.path.utf8)] ?? [])
                return .success(staged)
            } catch {
                while let rest = try? archive.read(upTo: 1 << 16), !rest.isEmpty {}
                return .failure(StoreFailure.diagnostic(error, doing: "writing the Debian packages as a layer"))
            }
        }
    }

    private static func failed(_ status: ExitStatus, _ lines: [String]) -> Diagnostic {
        let errors = lines.filter { $0.hasPrefix("E: ") }
        return Diagnostic(
            code: StoreCode.debianFailed, summary: "mmdebstrap failed (\(status))",
            detail: errors.first.map { String($0.dropFirst(3)) } ?? lines.last,
            notes: Array(lines.suffix(12)))
    }
}
