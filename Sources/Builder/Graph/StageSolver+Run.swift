import Diagnostics
import Dockerfile
import Linux
import OCI

extension StageSolver {
    /// RUN.
    func perform(
        _ run: EvaluatedRun, _ step: EvaluatedStep, _ id: Int, _ stage: inout SolvedStage, _ planned: PlannedStage
    ) async throws -> StepResult {
        try checkEntitlements(of: run)
        var origins: [StepOrigin?] = []
        for mount in run.mounts {
            guard mount.kind == .bind || (mount.kind == .cache && mount.from != nil) else {
                origins.append(nil)
                continue
            }
            let origin = try await origin(mount.from, stage.platform)
            origins.append(origin.files)
            stage.materials += origin.materials
        }
        let wanted = self.step(run, step, stage, origins)
        let contexts = try await digests(of: run, origins)
        let quick = key(wanted, contexts) { origin in
            guard case .layers(let layers) = origin else { return [] }
            return layers.map(\.description)
        }
        let binds = origins
        let content: @Sendable () async throws -> [String] = { [self] in
            // What is mounted of layers, by its contents, as they may be the same in others.
            guard binds.contains(where: { if case .layers = $0 { true } else { false } }) else { return [] }
            var digests = contexts
            for (index, mount) in run.mounts.enumerated() {
                guard case .layers(let layers) = binds[index] else { continue }
                digests[index] = try await job.engine.contentDigest(of: job.tree(of: layers), path: mount.source)
            }
            return [key(wanted, digests) { _ in [] }]
        }
        return try await job.result(
            [quick], more: content, title: step.title, step: id, isUncached: job.isUncached(planned)
        ) { [self, platform = stage.platform] in
            try Emulation.check(platform)
            return try await job.engine.gate.run { [job] in
                try await job.engine.run(wanted) { [progress = job.progress] isError, bytes in
                    progress.log(id, isError: isError, bytes)
                }
            }
        }
    }

    private func step(
        _ run: EvaluatedRun, _ step: EvaluatedStep, _ stage: SolvedStage, _ origins: [StepOrigin?]
    ) -> RunStep {
        let request = job.request
        var wanted = RunStep(
            run, on: stage.layers, title: step.title, epoch: job.epoch ?? stage.newest ?? .epoch)
        wanted.user = step.settings.user
        wanted.workingDirectory = step.settings.workingDirectory
        wanted.mounts = zip(run.mounts, origins).map { mount, origin in
            switch origin {
            case .tree(let tree): RunStep.Mount(mount, origin: .tree(tree))
            case .layers(let layers): RunStep.Mount(mount, origin: .layers(layers))
            case nil: RunStep.Mount(mount)
            }
        }
        wanted.network = run.network ?? request.network
        wanted.networkName = run.network == nil ? request.networkName : nil
        wanted.limits = request.limits
        wanted.secrets = request.secrets
        wanted.agents = request.agents
        wanted.entitlements = request.entitlements
        // The caller's own choice needs no leave but its own.
        if run.network == nil, request.network == .host { wanted.entitlements.insert("network.host") }
        if let name = request.arguments["BUILDKIT_SANDBOX_HOSTNAME"] { wanted.hostname = name }
        return wanted
    }

    /// Digests of what is mounted of contexts, by the mount's place.
    private func digests(of run: EvaluatedRun, _ origins: [StepOrigin?]) async throws -> [Int: String] {
        var digests: [Int: String] = [:]
        for (index, mount) in run.mounts.enumerated() {
            guard case .tree(var tree) = origins[index] else { continue }
            // A mount shows what .dockerignore leaves out of copies, too.
            tree.ignored = []
            digests[index] = try await job.engine.contentDigest(of: tree, path: mount.source)
        }
        return digests
    }

    private func key(_ wanted: RunStep, _ digests: [Int: String], _ layers: (StepOrigin?) -> [String]) -> String {
        let key = StepKey("run 1")
        key.add("layers", layers: wanted.layers)
        key.add(wanted.run)
        key.add("user", wanted.user)
        key.add("directory", wanted.workingDirectory)
        key.add("network", wanted.network.rawValue)
        key.add("hostname", wanted.hostname == RunStep.usualHostname ? nil : wanted.hostname)
        key.add("hosts", wanted.limits.extraHosts)
        key.add("epoch", job.epoch)
        for (index, mount) in wanted.mounts.enumerated() {
            let origin: StepOrigin? =
                switch mount.origin {
                case .layers(let layers): .layers(layers)
                case .tree(let tree): .tree(tree)
                case nil: nil
                }
            if let digest = digests[index] {
                key.add("content", digest)
            } else {
                key.add("from", layers(origin))
            }
        }
        return key.finish()
    }

    /// Whether the caller allows what a step asks for beyond the ordinary.
    private func checkEntitlements(of run: EvaluatedRun) throws {
        var needed: [(name: String, flag: String)] = []
        if run.isInsecure { needed.append(("security.insecure", "RUN --security=insecure")) }
        if run.network == .host { needed.append(("network.host", "RUN --network=host")) }
        for (name, flag) in needed where !job.request.entitlements.contains(name) {
            throw BuildFailure(
                .forbidden,
                Diagnostic(
                    code: BuildCode.forbidden, summary: "\(name) is not allowed",
                    detail: "\(flag) needs the entitlement \(name), and the build was not given it",
                    hint: "allow it with --allow \(name)"))
        }
    }
}

/// Programs for other processors.
enum Emulation {
    private static let directory = "/proc/sys/fs/binfmt_misc"

    /// What QEMU calls the processors that images are for.
    private static let names = [
        "amd64": "x86_64", "arm64": "aarch64", "386": "i386", "arm": "arm", "ppc64le": "ppc64le", "s390x": "s390x",
        "riscv64": "riscv64", "loong64": "loongarch64", "mips64le": "mips64el", "mips64": "mips64",
    ]

    /// - Throws: `BuildFailure` where programs of the platform cannot run here.
    static func check(_ platform: Platform) throws {
        let host = Platform.host.normalized
        let wanted = platform.normalized
        if wanted.os == host.os {
            if wanted.architecture == host.architecture { return }
            if host.architecture == "amd64", wanted.architecture == "386" { return }
            let name = names[wanted.architecture] ?? wanted.architecture
            for entry in (try? Files.list(directory)) ?? [] where entry.name.hasSuffix("-\(name)") {
                let text = (try? Files.readText("\(directory)/\(entry.name)", limit: 4096)) ?? ""
                if text.hasPrefix("enabled") { return }
            }
        }
        throw BuildFailure(
            .failed,
            Diagnostic(
                code: BuildCode.failed,
                summary: "RUN for \(platform.text) cannot run on this host, which is \(host.text)",
                detail: "no binary format of \(directory) is for programs of \(platform.text)",
                hint:
                    "install an emulator that registers itself, such as Debian's qemu-user-static, or take RUN out of "
                    + "what is built for that platform: FROM --platform=$BUILDPLATFORM"))
    }
}
