/// A container start, or an exec, as a list of operations.
package struct LaunchProgram: Sendable, Equatable {
    /// What is done, in order.
    ///
    /// The last one is `execute`.
    package var operations: [Operation]

    package init(operations: [Operation] = []) {
        self.operations = operations
    }

    /// "SLP" and the version of the form.
    private static let mark: UInt32 = 0x0150_4C53

    /// The binary form.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter()
        encode(to: &writer)
        return writer.bytes
    }

    /// Reads the binary form, all of it.
    ///
    /// - Throws: `LaunchProgramError`, with the place.
    package init(decoding bytes: [UInt8]) throws(LaunchProgramError) {
        var reader = ByteReader(bytes)
        try self.init(from: &reader)
        guard reader.isAtEnd else { throw .trailingBytes(offset: reader.offset) }
    }

    /// Writes the program into a larger form.
    package func encode(to writer: inout ByteWriter) {
        writer.put(Self.mark)
        writer.put(UInt32(truncatingIfNeeded: operations.count))
        for operation in operations { operation.encode(to: &writer) }
    }

    /// Reads the program out of a larger form.
    package init(from reader: inout ByteReader) throws(LaunchProgramError) {
        let number = try Self.readHeader(&reader)
        operations = []
        for _ in 0..<number { operations.append(try Operation(from: &reader)) }
    }

    /// Reads the mark and the number of operations: the interpreter decodes the operations one by one.
    package static func readHeader(_ reader: inout ByteReader) throws(LaunchProgramError) -> Int {
        let mark = try reader.unsigned32()
        guard mark & 0x00FF_FFFF == Self.mark & 0x00FF_FFFF else { throw .notAProgram }
        guard mark == Self.mark else { throw .unsupportedVersion(mark >> 24) }
        return try reader.count()
    }
}
