import JSONText

/// `stackctl show` as text: the resources, then the outputs.
enum ShownStackText {
    static func show(_ stack: JSONValue, on output: Output) {
        let generation = stack["generation"]?.intValue.map { ", generation \($0)" } ?? ""
        let when = stack["updated"]?.intValue.map { ", applied \(HumanText.moment(nanoseconds: $0))" } ?? ""
        output.print("Stack \(stack["stack"]?.stringValue ?? "")\(generation)\(when)")
        if let operation = stack["operation"]?.stringValue { output.print("Under way: \(operation)") }
        if let open = stack["openSteps"]?.intValue, open > 0 {
            output.print("\(open) steps of an interrupted apply are open: `stackctl apply` goes on from there")
        }
        var table = TextTable(["RESOURCE", "OBJECT", "STATE", "DECLARED AT"])
        for resource in stack["resources"]?.arrayValue ?? [] {
            table.append([
                resource["address"]?.stringValue ?? "", shortID(resource["object"]?.stringValue ?? ""),
                resource["condition"]?.stringValue ?? "",
                place(resource["location"]),
            ])
        }
        output.write("\n" + table.render())
        let outputs = stack["outputs"]?.arrayValue ?? []
        if !outputs.isEmpty { output.write("\nOutputs:\n" + OutputsText.render(outputs)) }
    }

    private static func place(_ location: JSONValue?) -> String {
        guard let file = location?["file"]?.stringValue else { return location?.stringValue ?? "" }
        return location?["line"]?.intValue.map { "\(file):\($0)" } ?? file
    }
}
