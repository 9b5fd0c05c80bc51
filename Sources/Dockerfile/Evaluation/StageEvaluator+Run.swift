extension StageEvaluator {
    mutating func run(_ form: CommandForm, _ heredocs: [Heredoc]) throws(LineFault) {
        var title = instruction.text
        var run = EvaluatedRun(arguments: [])
        switch form {
        case .exec(let arguments): run.arguments = arguments
        case .shell(let text):
            run.arguments = shell + [try command(text, heredocs, &run, &title)]
        }
        run.environment = scope.variables.lines
        run.hiddenEnvironment = proxies
        run.mounts = try mounts()
        run.network = instruction.value("network").flatMap { EvaluatedRun.Network(rawValue: $0) }
        run.isInsecure = instruction.value("security") == "insecure"
        for device in instruction.values("device") { run.devices.append(try DeviceOptions.name(device).name) }
        var masked: [String: String] = [:]
        for mount in run.mounts { if let name = mount.environmentName { masked[name] = "****" } }
        let lexer = ShellWords(escape: plan.document.escape, keepsQuotes: true, keepsUnset: true)
        try finish(createdBy(run.arguments), .run(run), title: self.title(title, lexer, masked: masked))
    }

    /// What the shell is given: the text with its heredocs, or a heredoc alone in the text's place.
    private func command(
        _ text: String, _ heredocs: [Heredoc], _ run: inout EvaluatedRun, _ title: inout String
    ) throws(LineFault) -> String {
        guard let first = heredocs.first else { return text }
        guard isAlone(text) else {
            return heredocs.reduce(text) { "\($0)\n\($1.content)\($1.name)" }
        }
        title += " (\(Self.summary(first.content)))"
        let content = first.text
        guard content.utf8.starts(with: "#!".utf8) else { return content }
        run.script = content
        return EvaluatedRun.scriptPath
    }

    private func isAlone(_ text: String) -> Bool {
        do throws(ExpansionFault) {
            return try HeredocReader.heredoc(text) != nil
        } catch {
            return false
        }
    }

    /// The first line of a heredoc.
    private static func summary(_ content: String) -> String {
        let lines = content.trimmingSpaces.utf8.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        let first = lines.first.map { String(decoding: Array($0), as: UTF8.self).trimmingSpaces } ?? ""
        return lines.count > 1 ? first + "..." : first
    }

    /// BuildKit's text for the history.
    private func createdBy(_ arguments: [String]) -> String {
        var words: [String] = []
        if !scope.arguments.isEmpty {
            words.append("|\(scope.arguments.count)")
            for argument in scope.arguments {
                words.append("\(argument.name)=\(scope.variables[argument.name] ?? argument.value ?? "")")
            }
        }
        return "RUN \((words + arguments).joined(separator: " ")) # buildkit"
    }

    /// Proxies that were given as arguments, in both cases, unless a variable has the name.
    private var proxies: [String] {
        var lines: [String] = []
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"] {
            let given = plan.input.arguments[name] ?? plan.input.arguments[name.lowercased()]
            guard let value = given ?? other(name) else { continue }
            for spelling in [name, name.lowercased()] where scope.variables[spelling] == nil {
                lines.append("\(spelling)=\(value)")
            }
        }
        return lines
    }

    /// The value of an argument in a mixture of cases.
    private func other(_ name: String) -> String? {
        plan.input.arguments.filter { $0.key.uppercased() == name }.min { $0.key < $1.key }?.value
    }
}

extension StageEvaluator {
    private mutating func mounts() throws(LineFault) -> [EvaluatedMount] {
        var mounts: [EvaluatedMount] = []
        var agents = 0
        for flag in instruction.flags where flag.name == "mount" {
            do throws(LineFault) { mounts.append(try mount(flag.value ?? "", &agents)) } catch { throw error.at(flag) }
        }
        return mounts
    }

    private mutating func mount(_ text: String, _ agents: inout Int) throws(LineFault) -> EvaluatedMount {
        var fields = MountFields()
        for field in try CommaSeparated.fields(text, of: "mounts") {
            let (key, value) = VariableScope.split(field)
            try fields.take(key, field.utf8.count == key.utf8.count ? nil : try expand(value), field)
        }
        var mount = try fields.checked()
        mount.from = try mountOrigin(mount)
        try place(&mount, &agents)
        return mount
    }

    private func mountOrigin(_ mount: EvaluatedMount) throws(LineFault) -> FileOrigin? {
        guard case .named(let name) = mount.from else { return nil }
        let origin = plan.document.mountOrigin(name)
        if case .stage(let used) = origin, used >= index {
            throw LineFault(
                "cannot mount from stage \(GoText.quoted(name)) to \(GoText.quoted(mount.target)), stage needs to be "
                    + "defined before current command")
        }
        return plan.replaced(origin)
    }

    /// Gives a mount its place and its id.
    private func place(_ mount: inout EvaluatedMount, _ agents: inout Int) throws(LineFault) {
        switch mount.kind {
        case .secret:
            if mount.id.isEmpty { mount.id = GoPath.base(mount.target) }
            if mount.environmentName == "" { mount.environmentName = mount.id }
            if mount.target.isEmpty, mount.environmentName == nil {
                mount.target = "/run/secrets/\(GoPath.base(mount.id))"
            }
            if !mount.target.isEmpty { mount.target = absolute(mount.target) }
            return
        case .ssh:
            if mount.id.isEmpty { mount.id = "default" }
            if mount.target.isEmpty { mount.target = "/run/buildkit/ssh_agent.\(agents)" }
            agents += 1
            mount.target = absolute(mount.target)
            return
        case .cache:
            if mount.id.isEmpty { mount.id = GoPath.clean(mount.target) }
            let space = plan.input.arguments["BUILDKIT_CACHE_MOUNT_NS"] ?? ""
            if !space.isEmpty { mount.id = "\(space)/\(mount.id)" }
        case .bind, .tmpfs: break
        }
        mount.target = absolute(mount.target)
        guard mount.target != "/" else { throw LineFault("invalid mount target \(GoText.quoted(mount.target))") }
    }

    private func absolute(_ path: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? GoPath.clean(path) : GoPath.join("/", settings.workingDirectory, path)
    }
}
