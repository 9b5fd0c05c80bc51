import Linux
import Testing

/// What the built libraries need of others.
@Suite("linking")
struct LinkTests {
    @Test("StackDSL links no Foundation")
    func stackDSL() throws {
        let library = try buildFolder() + "/libStackDSL.so"
        let bytes = try Files.readAll(library, limit: 256 * 1024 * 1024)
        for name in ["libFoundation", "libFoundationEssentials", "libdispatch", "lib_FoundationICU"] {
            let isNamed = contains(bytes, Array(name.utf8))
            #expect(!isNamed, "\(library) names \(name)")
        }
    }

    @Test("stack-init needs no loader")
    func stackInit() throws {
        let binary = try buildFolder() + "/stack-init"
        let types = programHeaderTypes(try Files.readAll(binary, limit: 64 * 1024 * 1024))
        #expect(!types.isEmpty)
        #expect(!types.contains(3), "\(binary) has an interpreter (PT_INTERP)")
    }

    /// The types of the program headers of a 64-bit little-endian ELF file: elf(5).
    private func programHeaderTypes(_ bytes: [UInt8]) -> [UInt32] {
        func number(_ offset: Int, _ size: Int) -> Int? {
            guard offset >= 0, offset + size <= bytes.count else { return nil }
            return bytes[offset..<(offset + size)].reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]), let start = number(32, 8), let size = number(54, 2),
            let count = number(56, 2)
        else { return [] }
        return (0..<count).compactMap { number(start + $0 * size, 4) }.map { UInt32($0) }
    }

    /// The folder of the test's own executable, where SwiftPM puts all products.
    private func buildFolder() throws -> String {
        let executable = try CurrentProcess.executablePath()
        // `swift test` runs the bundle beside the products, or swiftpm's runner with the bundle as an argument.
        let candidates = [executable] + CurrentProcess.arguments.filter { $0.hasSuffix(".xctest") }
        for candidate in candidates {
            let folder = candidate.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
                separator: "/")
            if Files.exists(folder + "/libStackDSL.so") { return folder }
        }
        throw SystemError(call: "find", errno: .ENOENT, subject: "libStackDSL.so beside \(executable)")
    }

    private func contains(_ bytes: [UInt8], _ word: [UInt8]) -> Bool {
        guard let first = word.first else { return true }
        return bytes.withUnsafeBytes { raw in
            var start = 0
            while start + word.count <= raw.count {
                guard let next = raw[start...].firstIndex(of: first), next + word.count <= raw.count else {
                    return false
                }
                if raw[next..<(next + word.count)].elementsEqual(word) { return true }
                start = next + 1
            }
            return false
        }
    }
}
