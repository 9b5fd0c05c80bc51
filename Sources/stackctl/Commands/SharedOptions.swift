/// Options that several commands have in the same words.
enum SharedOptions {
    static let json = OptionDeclaration.flag("json", nil, "Print JSON")
    static let variable = OptionDeclaration.list("var", nil, .pair("NAME=VALUE"), "Give an input of the stack a value")
    static let variableFile = OptionDeclaration.list(
        "var-file", nil, .path("FILE"), "Read inputs from a JSON file or lines of NAME=VALUE")
    static let timings = OptionDeclaration.flag("timings", nil, "Say how long each phase took")
    static let upgrade = OptionDeclaration.flag(
        "upgrade", nil, "Take the newest images and Debian packages instead of those in Stack.lock")
    static let takeOver = OptionDeclaration.flag(
        "take-over", nil, "Take the stack over from the folder it was last applied from")
    static let yes = OptionDeclaration.flag("yes", "y", "Do not ask; needed where there is no terminal")

    static let stack = OperandDeclaration(
        "STACK", .optional, "Folder with Stack.swift or compose.yaml (default: the current one)", completion: .path)
    static let container = OperandDeclaration(
        "CONTAINER", "Name or identifier of a container", completion: .names(.containers))
    static let containers = OperandDeclaration(
        "CONTAINER", .oneOrMore, "Names or identifiers of containers", completion: .names(.containers))
}
