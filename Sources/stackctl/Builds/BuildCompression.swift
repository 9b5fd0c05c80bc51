import Diagnostics
import JSONText

/// How an output wants layers compressed.
struct BuildCompression: Sendable, Equatable {
    enum Method: String, Sendable {
        case uncompressed, gzip, zstd

        /// The levels there are; nil where there are none.
        fileprivate var levels: ClosedRange<Int>? {
            switch self {
            case .uncompressed: nil
            case .gzip: 1...9
            case .zstd: 1...22
            }
        }
    }

    let method: Method
    let level: Int?
    let isForced: Bool

    /// Reads `compression=`, `compression-level=` and `force-compression=` of an output; nil where it says nothing.
    ///
    /// Source: moby/buildkit, `util/compression`; docker/buildx, docs of `--output`.
    static func of(_ text: String) throws(Reason) -> BuildCompression? {
        guard text.contains("=") else { return nil }
        let fields = try BuildPlace.fields(text)
        let (name, level, forced) = (fields["compression"], fields["compression-level"], fields["force-compression"])
        if name == nil, level == nil, forced == nil { return nil }
        guard let method = Method(rawValue: name ?? "gzip") else {
            throw Reason(
                "unsupported compression type \"\(name ?? "")\"", hint: "uncompressed, gzip and zstd are known")
        }
        return BuildCompression(
            method: method, level: try level.map { text throws(Reason) in try number(text, of: method) },
            isForced: try forced.map { text throws(Reason) in try flag(text) } ?? false)
    }

    private static func number(_ text: String, of method: Method) throws(Reason) -> Int {
        guard let levels = method.levels else { throw Reason("compression-level: there is none of \(method.rawValue)") }
        guard let level = Int(text), levels.contains(level) else {
            throw Reason(
                "compression-level of \(method.rawValue) is \(levels.lowerBound) to \(levels.upperBound), not \(text)")
        }
        return level
    }

    private static func flag(_ text: String) throws(Reason) -> Bool {
        switch text.lowercased() {
        case "true", "1", "t": true
        case "false", "0", "f": false
        default: throw Reason("force-compression: true or false is expected, not \(text)")
        }
    }

    var json: JSONValue {
        var object: JSONObject = ["method": .string(method.rawValue), "force": .bool(isForced)]
        if let level { object["level"] = .int(Int64(level)) }
        return .object(object)
    }
}
