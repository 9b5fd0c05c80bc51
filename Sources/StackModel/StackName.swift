/// How a stack is named.
package enum StackName {
    /// The name of a stack whose type has this name: "WebShop" is "web-shop", "HTTPProxy2" is "http-proxy2".
    package static func ofType(_ typeName: String) -> String {
        let letters = Array(typeName)
        var result = ""
        for (offset, letter) in letters.enumerated() {
            if letter == "_" {
                result += "-"
                continue
            }
            if letter.isUppercase, offset > 0 {
                let afterLower = !letters[offset - 1].isUppercase && letters[offset - 1] != "_"
                let beforeLower = offset + 1 < letters.count && letters[offset + 1].isLowercase
                if afterLower || (beforeLower && letters[offset - 1] != "_") { result += "-" }
            }
            result += letter.lowercased()
        }
        return result
    }
}
