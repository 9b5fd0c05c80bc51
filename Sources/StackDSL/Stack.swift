import StackModel

/// A stack: the whole of what a manifest declares.
///
///     @main
///     struct Hello: Stack {
///         var resources: Resources {
///             let web = Container("web", image: "nginx:1.27") { Publish(8080, to: 80) }
///             return Resources { web }
///         }
///     }
///
/// `resources` is ordinary Swift: declare each resource with `let`, pass it to whatever refers to it, and return the
/// list. What is listed, and all that it refers to, is the stack.
public protocol Stack {
    /// Makes the stack; its inputs get their values afterwards, before `resources` is read.
    init()
    /// The stack's name; the type's name in lower case with dashes unless written.
    static var name: String { get }
    /// The stack's name when it depends on inputs; `Self.name` unless written.
    var name: String { get }
    /// The resources and outputs of the stack.
    var resources: Resources { get }
}

extension Stack {
    /// The type's name in lower case with dashes: `WebShop` is "web-shop".
    public static var name: String { StackName.ofType(String(describing: Self.self)) }

    /// The static name.
    public var name: String { Self.name }

    /// Evaluates the stack and hands over its document; the entry point of a manifest.
    public static func main() {
        PluginSession.finish(with: evaluate(Self.self, inputs: PluginSession.inputs))
    }
}

/// A reusable group of resources.
///
///     struct Site: Component {
///         let network: Network
///         var resources: Resources {
///             let web = Container("site", image: "nginx:1.27") { Attach(network) }
///             return Resources { web }
///         }
///     }
///
/// List it like a resource: `Resources { Site(network: backend) }`.
public protocol Component {
    /// The resources and outputs of the component.
    var resources: Resources { get }
}
