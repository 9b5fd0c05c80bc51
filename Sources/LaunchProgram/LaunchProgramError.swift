/// Why bytes are not a launch program, a plan or a status.
package enum LaunchProgramError: Error, Sendable, Equatable {
    /// The bytes do not begin with the mark of the form that was asked for.
    case notAProgram
    /// A version this build does not know.
    case unsupportedVersion(UInt32)
    /// The bytes end inside a value.
    case truncated(offset: Int)
    /// An operation code this build does not know.
    case unknownOperation(UInt8, offset: Int)
    /// A value outside its range.
    case invalidValue(offset: Int)
    /// A NUL byte inside a path, argument or environment entry.
    case nulByte(offset: Int)
    /// More bytes after the end.
    case trailingBytes(offset: Int)
    /// More elements than any real program has.
    case tooLarge(offset: Int)
}
