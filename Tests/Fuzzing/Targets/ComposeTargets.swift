import Compose
import Diagnostics
import YAMLText

extension FuzzTarget {
    /// A YAML text: what is read has places in it, and is the same again when it is written and read.
    static let yaml = FuzzTarget("yaml", mutations: 200) { input in
        var limits = YAMLLimits()
        limits.nodes = 5_000
        limits.scalarBytes = 1 << 20
        let documents = parsed { () throws(YAMLFailure) in try YAMLParser.documents(input, limits: limits) }
        for document in documents ?? [] {
            let text = Array(YAMLWriter.text(document).utf8)
            guard text.count <= limits.textBytes else { continue }
            let meaning = YAMLMeaning(document)
            try requireSame([meaning], as: "a document") { () throws(YAMLFailure) in
                try YAMLParser.documents(text, limits: limits).map { YAMLMeaning($0) }
            }
        }
    }

    /// A compose file: errors name places in it, and what is right is right again when it is written and read.
    static let compose = FuzzTarget("compose", mutations: 120) { input in
        let reader = ComposeFileReader(interpolation: Interpolation(environment: variables))
        let plain = ComposeFileReader(interpolation: Interpolation(environment: [:], replaces: false))
        _ = parsed { () throws(DiagnosticList) in try plain.read(input, file: "f") }
        _ = parsed { () throws(DiagnosticList) in try Interpolation.variables(in: input, file: "f") }
        let result: (documents: [ComposeNode], warnings: [Diagnostic])
        do throws(DiagnosticList) {
            result = try reader.read(input, file: "f")
        } catch {
            try require(!error.diagnostics.isEmpty && error.hasErrors, "what is wrong is not said")
            for problem in error.diagnostics { try check(problem, in: input) }
            return
        }
        for warning in result.warnings {
            try require(warning.severity == .warning, "a warning is an error: \(warning)")
            try check(warning, in: input)
        }
        for document in result.documents {
            _ = ComposeSchema.problems(in: document)
            let text = Array(YAMLWriter.text(yaml(document)).utf8)
            let again = { () throws(DiagnosticList) in
                try plain.read(text, file: "f").documents.map { YAMLMeaning(yaml($0)) }
            }
            try requireSame([YAMLMeaning(yaml(document))], as: "a compose file", again)
        }
    }

    /// A text with variables: with each `$` doubled it stands for itself, and what it becomes has a limit.
    static let interpolation = FuzzTarget("interpolation", mutations: 600) { input in
        let text = String(decoding: input, as: UTF8.self)
        let interpolation = Interpolation(environment: variables)
        let place = SourceLocation(file: "f", line: 1)
        let result = parsed { () throws(Diagnostic) in try interpolation.replacing(text, at: place) }
        if let result {
            try require(result.text.utf8.count <= max(text.utf8.count, 1 << 20) + 100, "the text grows without a limit")
            try require(text.contains("$") || result.text == text, "a text without variables is another one")
        }
        let escaped = String(text.unicodeScalars.flatMap { $0 == "$" ? ["$", "$"] : [$0] }.map(Character.init))
        let literal = parsed { () throws(Diagnostic) in try interpolation.replacing(escaped, at: place).text }
        try require(literal?.utf8.elementsEqual(text.utf8) == true, "a text without variables is not itself")
    }

    /// A file of variables: places are in it, and values in quotes are themselves.
    static let dotenv = FuzzTarget("dotenv", mutations: 300) { input in
        for isRaw in [true, false] {
            let file: EnvironmentFile
            do throws(DiagnosticList) {
                file = try EnvironmentFile.read(input, file: "f", isRaw: isRaw) { variables[$0] }
            } catch {
                for problem in error.diagnostics { try check(problem, in: input) }
                continue
            }
            for entry in file.entries {
                try require(!entry.name.isEmpty, "a variable has no name")
                try check(entry.location, in: input)
            }
            guard !isRaw else { continue }
            let text = file.entries.map { entry in entry.name + (entry.value.map { "=" + quoted($0) } ?? "") + "\n" }
            let again = { () throws(DiagnosticList) in
                try EnvironmentFile.read(Array(text.joined().utf8), file: "f") { _ in nil }.entries.map {
                    [$0.name, $0.value]
                }
            }
            try requireSame(file.entries.map { [$0.name, $0.value] }, as: "a file", again)
        }
    }

    private static let variables = [
        "A": "1", "B": "a b", "EMPTY": "", "YES": "yes", "LONG": String(repeating: "x", count: 999),
    ]

    private static func quoted(_ value: String) -> String {
        let escaped = value.unicodeScalars.map { scalar in
            scalar == "\\" || scalar == "\"" || scalar == "$" ? "\\\(scalar)" : String(scalar)
        }
        return "\"" + escaped.joined() + "\""
    }

    private static func check(_ problem: Diagnostic, in input: [UInt8]) throws {
        try require(
            problem.code.hasPrefix("SC20") && !problem.summary.isEmpty, "a diagnostic is not complete: \(problem)")
        if let location = problem.location { try check(location, in: input) }
    }

    private static func check(_ location: SourceLocation, in input: [UInt8]) throws {
        // YAML has more line ends than one, and UTF-16 has them in two bytes.
        let lines = input.count + 2
        try require(
            (1...lines).contains(location.line) && (location.column ?? 1) >= 1
                && (location.column ?? 1) <= input.count + 2,
            "a place is not in the file: \(location)")
    }

    private static func yaml(_ node: ComposeNode) -> YAMLNode {
        var result: YAMLNode =
            switch node.value {
            case .null: .null
            case .bool(let flag): .bool(flag)
            case .int(let number): .int(number)
            case .double(let number): .double(number)
            case .string(let text): .string(text)
            case .list(let elements): .list(elements.map(yaml))
            case .map(let members): .map(members.entries.map { ($0.key, yaml($0.value)) })
            }
        result.tag = node.instruction?.rawValue
        return result
    }
}

/// What a YAML node means, whatever it looks like.
private indirect enum YAMLMeaning: Equatable {
    case scalar(String, tag: String?)
    case sequence([YAMLMeaning], tag: String?)
    case mapping([YAMLMeaning], tag: String?)

    init(_ node: YAMLNode) {
        switch node.content {
        case .scalar(let text, let isPlain):
            let kind = isPlain && node.tag == nil ? YAMLScalar.resolve(text) : .string
            let value: String =
                switch kind {
                case .null: "null"
                case .bool(let flag): "\(flag)"
                case .int(let number): "number \(number)"
                case .double(let number): "number \(YAMLScalar.text(number))"
                case .string: "text \(text)"
                case .merge: "merge"
                }
            self = .scalar(value, tag: node.tag)
        case .sequence(let elements):
            self = .sequence(elements.map { YAMLMeaning($0) }, tag: node.tag)
        case .mapping(let entries):
            self = .mapping(entries.flatMap { [YAMLMeaning($0.key), YAMLMeaning($0.value)] }, tag: node.tag)
        }
    }
}
