extension StageEvaluator {
    /// COPY and ADD.
    mutating func transfer(_ written: Instruction.Transfer, isAdd: Bool) throws(LineFault) {
        var transfer = EvaluatedTransfer(isAdd: isAdd, sources: [], destination: "")
        transfer.owner = try optional("chown")
        transfer.mode = try optional("chmod")
        if let mode = transfer.mode { try ModeText.check(mode) }
        transfer.checksum = try optional("checksum")
        transfer.isLinked = instruction.truth("link") ?? false
        transfer.keepsParents = instruction.truth("parents") ?? false
        transfer.excluded = instruction.values("exclude")
        transfer.keepsGitDirectory = instruction.truth("keep-git-dir") ?? false
        transfer.unpacks = instruction.truth("unpack")
        if !isAdd { transfer.from = try origin() }
        var paths: [String] = []
        var files: [String] = []
        for source in written.sources {
            switch source {
            case .path(let path):
                let path = try expand(path)
                paths.append(path)
                transfer.sources.append(try self.source(path, isAdd: isAdd))
            case .heredoc(let heredoc):
                files.append(heredoc.name)
                transfer.sources.append(.inline(name: heredoc.name, content: try content(heredoc)))
            }
        }
        transfer.destination = try expand(written.destination)
        try checkChecksum(transfer, paths)
        if transfer.from == nil { remarkIgnored(paths, isAdd) }
        var words = [isAdd ? "ADD" : "COPY"]
        if transfer.keepsParents { words.append("--parents") }
        if let owner = transfer.owner { words.append("--chown=\(owner)") }
        if let mode = transfer.mode { words.append("--chmod=\(mode)") }
        words += paths + files.map { "<<\($0)" } + [transfer.destination, "# buildkit"]
        try finish(words.joined(separator: " "), .transfer(transfer))
    }

    /// The value of a flag with its variables; nil where nothing is said.
    private mutating func optional(_ flag: String) throws(LineFault) -> String? {
        guard let written = instruction.value(flag) else { return nil }
        let value = try expand(written)
        return value.isEmpty ? nil : value
    }

    /// Where COPY takes its files.
    private func origin() throws(LineFault) -> FileOrigin? {
        let origin = try plan.document.copyOrigin(instruction)
        if case .stage(let used) = origin, used >= index {
            let name = instruction.value("from") ?? ""
            let own = plan.document.stages[index].from.name ?? "stage-\(index)"
            throw LineFault(
                "cannot copy from stage \(GoText.quoted(name)), it needs to be defined before current stage "
                    + GoText.quoted(own))
        }
        return origin.map { plan.replaced($0) }
    }

    private mutating func content(_ heredoc: Heredoc) throws(LineFault) -> String {
        guard heredoc.isExpanded else { return heredoc.text }
        return try expansion(heredoc.text, ShellWords(ignoresQuotes: true)).text
    }

    private func source(_ path: String, isAdd: Bool) throws(LineFault) -> EvaluatedTransfer.Source {
        if SourceAddress.isGit(path) {
            guard isAdd else { throw LineFault("source can't be a git ref for COPY", hint: "use ADD") }
            return .git(path)
        }
        if path.hasPrefix("http://") || path.hasPrefix("https://") {
            guard isAdd else { throw LineFault("source can't be a URL for COPY", hint: "use ADD") }
            return .web(path)
        }
        return .path(path)
    }

    private func checkChecksum(_ transfer: EvaluatedTransfer, _ paths: [String]) throws(LineFault) {
        guard transfer.checksum != nil else { return }
        guard paths.count == 1, let source = transfer.sources.first else {
            throw LineFault("checksum can't be specified for multiple sources")
        }
        switch source {
        case .web, .git: return
        case .path, .inline: throw LineFault("checksum requires HTTP(S) or Git sources")
        }
    }

    private mutating func remarkIgnored(_ paths: [String], _ isAdd: Bool) {
        guard let ignored, !ignored.isEmpty, !ignored.hasExceptions else { return }
        for path in paths where !path.contains("://") {
            var path = GoPath.clean(path)
            let isRoot = path == "." || path == "/"
            guard !isRoot || ignored.patterns.contains(where: { ["*", "**", "**/*"].contains($0) }) else { continue }
            if !isRoot, path.hasPrefix("/") { path.removeFirst() }
            if ignored.excludes(path, isDirectory: false) {
                remark(
                    .copyIgnoredFile,
                    "Attempting to \(isAdd ? "Add" : "Copy") file \(GoText.quoted(path)) that is excluded by "
                        + ".dockerignore")
            }
        }
    }
}

/// Addresses among the sources of ADD.
enum SourceAddress {
    /// Whether it is a Git repository: `git://`, `ssh://`, `user@host:path`, or HTTP with a path that ends in `.git`.
    static func isGit(_ text: String) -> Bool {
        if text.hasPrefix("git://") || text.hasPrefix("ssh://") { return true }
        if text.hasPrefix("http://") || text.hasPrefix("https://") {
            let path = text.prefix { $0 != "#" && $0 != "?" }
            return path.hasSuffix(".git") && path.split(separator: "/").count > 2
        }
        guard let at = text.firstIndex(of: "@"), at > text.startIndex else { return false }
        let host = text[text.index(after: at)...]
        guard let colon = host.firstIndex(of: ":"), colon > host.startIndex else { return false }
        let isName = { (character: Character) in
            character.isASCII && (character.isLetter || character.isNumber || "-_.".contains(character))
        }
        return text[..<at].allSatisfy(isName) && host[..<colon].allSatisfy(isName)
    }
}

/// The mode of `--chmod`.
enum ModeText {
    /// Refuses what is neither octal nor symbolic.
    static func check(_ text: String) throws(LineFault) {
        let invalid = LineFault(
            "invalid chmod parameter: '\(text)'. it should be octal string and between 0 and 07777")
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            guard let mode = UInt32(text, radix: 8), mode <= 0o7777 else { throw invalid }
            return
        }
        for clause in text.split(separator: ",", omittingEmptySubsequences: false) where !isSymbolic(clause) {
            throw invalid
        }
    }

    private static func isSymbolic(_ clause: Substring) -> Bool {
        var rest = clause.drop { "ugoa".contains($0) }
        guard !rest.isEmpty else { return false }
        while let sign = rest.first {
            guard "+-=".contains(sign) else { return false }
            rest = rest.dropFirst().drop { "rwxXstugo".contains($0) }
        }
        return true
    }
}
