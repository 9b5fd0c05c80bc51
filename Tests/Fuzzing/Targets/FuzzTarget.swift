import Archives
import Linux

/// A parser of input from outside, and what must be true of it whatever the input is.
struct FuzzTarget: Sendable {
    /// The name of its folder of seeds below `Corpus`.
    let name: String
    /// How many mutations of each seed a test runs.
    let mutations: Int
    /// Feeds one input.
    ///
    /// - Throws: `Violation` when a property does not hold; that the input is refused is no error.
    let run: @Sendable ([UInt8]) throws -> Void

    /// A property that does not hold.
    struct Violation: Error, CustomStringConvertible {
        let description: String
    }

    init(_ name: String, mutations: Int = 150, run: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.name = name
        self.mutations = mutations
        self.run = run
    }

    static let all: [FuzzTarget] = [
        tar, tarEntries, gzip, zstd, recipe, imageArchive, documents, references, json, requests, responses,
        registryFields, registryFiles, registryServer, nameQueries, nameMessages, launchPrograms, supervision,
        engineBodies, engineTexts, dockerfile, ignoreRules, contextListing,
        yaml, compose, interpolation, dotenv,
    ]
}

/// Holds a property true of an input.
func require(_ condition: Bool, _ what: @autoclosure () -> String) throws {
    if !condition { throw FuzzTarget.Violation(description: what()) }
}

/// Gives what a parser makes of an input; nil where it refuses.
///
/// Only errors of these kinds may come out of a parser: anything else is a mistake of its own.
func parsed<Value, Failure: Error>(_ body: () throws(Failure) -> Value) -> Value? {
    do throws(Failure) { return try body() } catch { return nil }
}

/// Says of a value that its written form reads as the same value.
func requireSame<Value: Equatable, Failure: Error>(
    _ value: Value, as what: String, _ body: () throws(Failure) -> Value?
) throws {
    let again: Value?
    do throws(Failure) {
        again = try body()
    } catch {
        throw FuzzTarget.Violation(description: "\(what) is refused in its own written form: \(error)")
    }
    try require(again == value, "\(what) reads as another one in its own written form:\n\(value)\n\(again as Any)")
}

/// Files in memory, which need no name and no cleaning.
enum ScratchFile {
    static func make() throws(SystemError) -> SharedDescriptor { try MemoryFile.make(name: "fuzz").shared() }

    static func make(_ content: [UInt8]) throws(SystemError) -> SharedDescriptor {
        let file = try make()
        try file.writeAll(content)
        try file.seek(0)
        return file
    }

    /// The bytes of a file as a gzip stream.
    static func gzipped(_ content: [UInt8]) throws -> SharedDescriptor {
        let file = try make()
        let writer = try GzipWriter(file)
        try content.withUnsafeBytes { try writer.append($0) }
        try writer.finish()
        try file.seek(0)
        return file
    }
}

extension ByteSource {
    /// All bytes as far as a limit; nil where there are more or they are refused.
    func bytes(limit: Int) -> [UInt8]? {
        parsed { () throws(ArchiveError) in try readAll(limit: limit) }
    }
}
