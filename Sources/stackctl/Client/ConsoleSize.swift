import JSONText
import Linux

/// The size of the user's terminal as the API takes it, so that a program has it from its start.
enum ConsoleSize {
    /// `[rows, columns]`; nil where standard output is no terminal.
    static var current: JSONValue? {
        Terminal.size(1).map { [.int(Int64($0.rows)), .int(Int64($0.columns))] }
    }
}
