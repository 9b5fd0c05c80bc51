import StackDSL

@main struct Example: Stack {
    // expect: say what the input is for: @Input("Domain of the shop") var domain: String
    @Input var domain: String
    var resources: Resources { Resources() }
}
