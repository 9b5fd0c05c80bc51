/// Why an instruction that shall change an image's configuration was refused.
package struct InstructionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which one, counted from 1.
    package let number: Int
    /// The instruction as it was given.
    package let instruction: String
    /// What is wrong with it.
    package let reason: String

    package var description: String { "change \(number) (\(instruction)): \(reason)" }
}
