import Diagnostics
import Dockerfile

/// What a Dockerfile means, as text: stages, steps, settings, warnings, or what is wrong with it.
///
/// Lines `# test NAME VALUE` say what is given beside it: `arg`, `target`, `platform`, `context`, `ignore`, and of base
/// images `onbuild`, `env`, `entrypoint`, `command`, `workdir`.
struct DockerfileDump {
    private var lines: [String] = []
    private var input = EvaluationInput()
    private var base = ImageSettings()
    private var ignored: [String] = []

    init(_ bytes: [UInt8]) {
        base.environment = ["PATH=/bin", "BASE=yes"]
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard line.hasPrefix("# test ") else { continue }
            let words = line.dropFirst(7).split(separator: " ", maxSplits: 1).map(String.init)
            option(words[0], words.count > 1 ? words[1] : "")
        }
        do throws(DiagnosticList) {
            let document = try DockerfileDocument(reading: bytes, name: "Dockerfile")
            warn(document)
            try show(try document.plan(input))
        } catch {
            lines += error.diagnostics.map(\.description)
        }
    }

    var text: String { lines.joined(separator: "\n") }

    private mutating func option(_ name: String, _ value: String) {
        let pair = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch name {
        case "arg": input.arguments[pair[0]] = pair.count > 1 ? pair[1] : ""
        case "target": input.target = value
        case "platform": input.targetPlatform = value
        case "context": input.namedContexts.insert(value)
        case "ignore": ignored.append(value)
        case "onbuild": base.onBuild.append(value.replacing("\\n", with: "\n"))
        case "env": base.environment.append(value)
        case "entrypoint": base.entrypoint = [value]
        case "command": base.command = [value]
        case "workdir": base.workingDirectory = value
        default: lines.append("unknown option \(name)")
        }
    }

    private mutating func warn(_ document: DockerfileDocument) {
        var bases: [Int: ImageSettings] = [:]
        for index in document.stages.indices { bases[index] = base }
        let warnings = document.lint(
            input, ignored: IgnoreRules(patterns: ignored), bases: bases, checksAll: true)
        for warning in warnings { lines.append("\(warning.location?.line ?? 0): \(warning.summary)") }
        if let failure = document.lintFailure(warnings) { lines.append(failure.summary) }
    }

    private mutating func show(_ plan: StagePlan) throws(DiagnosticList) {
        var done: [Int: EvaluatedStage] = [:]
        for stage in plan.stages {
            let uses = stage.uses.isEmpty ? "" : " uses \(stage.uses.sorted())"
            lines.append("stage \(stage.index) \(stage.name): \(stage.base) \(stage.platform ?? "-")\(uses)")
            var parent: EvaluatedStage?
            var settings = ImageSettings()
            switch stage.base {
            case .scratch: break
            case .stage(let index):
                parent = done[index]
                settings = parent?.settings ?? settings
            case .image, .context: settings = base
            }
            let evaluated = try plan.evaluate(stage.index, base: settings, parent: parent)
            for step in evaluated.steps { show(step) }
            show(evaluated.settings)
            done[stage.index] = evaluated
        }
    }

    private mutating func show(_ step: EvaluatedStep) {
        lines.append("  \(step.title)")
        if step.createdBy != step.title { lines.append("    | \(step.createdBy)") }
        switch step.action {
        case nil: return
        case .makeWorkingDirectory: lines.append("    makes \(step.settings.workingDirectory)")
        case .transfer(let transfer): show(transfer)
        case .run(let run): show(run)
        }
    }

    private mutating func show(_ transfer: EvaluatedTransfer) {
        var words = transfer.sources.map { "\($0)" }
        words.append("to \(transfer.destination)")
        if let from = transfer.from { words.append("from \(from)") }
        if let owner = transfer.owner { words.append("owner \(owner)") }
        if let mode = transfer.mode { words.append("mode \(mode)") }
        if transfer.isLinked { words.append("linked") }
        if transfer.keepsParents { words.append("with parents") }
        if !transfer.excluded.isEmpty { words.append("without \(transfer.excluded)") }
        if let checksum = transfer.checksum { words.append("checksum \(checksum)") }
        if transfer.keepsGitDirectory { words.append("with .git") }
        if let unpacks = transfer.unpacks { words.append("unpacks \(unpacks)") }
        lines.append("    " + words.joined(separator: ", "))
    }

    private mutating func show(_ run: EvaluatedRun) {
        lines.append("    runs \(run.arguments)")
        lines.append("    with \(run.environment)")
        if !run.hiddenEnvironment.isEmpty { lines.append("    hidden \(run.hiddenEnvironment)") }
        if let script = run.script { lines.append("    script \([script])") }
        for mount in run.mounts { show(mount) }
        if let network = run.network { lines.append("    network \(network.rawValue)") }
        if run.isInsecure { lines.append("    insecure") }
        if !run.devices.isEmpty { lines.append("    devices \(run.devices)") }
    }

    private mutating func show(_ mount: EvaluatedMount) {
        var words = ["    \(mount.kind.rawValue) at \(mount.target)"]
        if let from = mount.from { words.append("from \(from)") }
        if mount.source != "/" { words.append("source \(mount.source)") }
        if mount.isReadOnly { words.append("read-only") }
        if !mount.id.isEmpty { words.append("id \(mount.id)") }
        if let name = mount.environmentName { words.append("env \(name)") }
        if mount.isRequired { words.append("required") }
        if mount.kind == .cache { words.append(mount.sharing.rawValue) }
        if let mode = mount.mode { words.append("mode \(String(mode, radix: 8))") }
        if mount.userID != 0 || mount.groupID != 0 { words.append("owner \(mount.userID):\(mount.groupID)") }
        if let size = mount.size { words.append("size \(size)") }
        lines.append(words.joined(separator: ", "))
    }

    private mutating func show(_ settings: ImageSettings) {
        lines.append("  environment \(settings.environment)")
        if !settings.user.isEmpty { lines.append("  user \(settings.user)") }
        if settings.workingDirectory != "/" { lines.append("  in \(settings.workingDirectory)") }
        if let entrypoint = settings.entrypoint { lines.append("  entrypoint \(entrypoint)") }
        if let command = settings.command { lines.append("  command \(command)") }
        if let shell = settings.shell { lines.append("  shell \(shell)") }
        for (name, value) in settings.labels.sorted(by: { $0.key < $1.key }) {
            lines.append("  label \(name)=\(value)")
        }
        if !settings.exposedPorts.isEmpty { lines.append("  ports \(settings.exposedPorts)") }
        if !settings.volumes.isEmpty { lines.append("  volumes \(settings.volumes)") }
        if let signal = settings.stopSignal { lines.append("  signal \(signal)") }
        if let check = settings.healthcheck { lines.append("  check \(check.test) every \(check.interval)") }
        if !settings.onBuild.isEmpty { lines.append("  onbuild \(settings.onBuild)") }
        if let author = settings.author { lines.append("  author \(author)") }
    }
}
