import StackDSL

@main struct Example: Stack {
    // expect: 'InputValue'
    @Input("Ports") var ports: [Int] = [1]
    var resources: Resources { Resources() }
}
