import Apply
import Engine

/// The providers of one engine.
package enum EngineProviders {
    /// One for each kind of resource, in no particular order.
    package static func all(_ engine: HostEngine) -> [any ResourceProvider] {
        [
            ImageProvider(engine: engine), NetworkProvider(engine: engine), VolumeProvider(engine: engine),
            ContainerProvider(engine: engine),
        ]
    }
}
