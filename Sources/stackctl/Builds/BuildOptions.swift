/// The options of `stackctl build`: those of `docker buildx build`, and those of the older `docker build` that mean
/// something.
enum BuildOptions {
    static let file = OptionDeclaration.value(
        "file", "f", .path("FILE"), "The Dockerfile (default: PATH/Dockerfile); - is standard input")
    static let tag = OptionDeclaration.list("tag", "t", .text("NAME[:TAG]"), "A name for the image")
    static let target = OptionDeclaration.value("target", nil, .text("STAGE"), "Build this stage (default: the last)")
    static let argument = OptionDeclaration.list(
        "build-arg", nil, .text("NAME[=VALUE]"), "Give an ARG its value; without one that of the environment")
    static let context = OptionDeclaration.list(
        "build-context", nil, .pair("NAME=PLACE"),
        "Another context: a directory, an address, docker-image://IMAGE")
    static let label = OptionDeclaration.list("label", nil, .text("KEY[=VALUE]"), "Give the image a label")
    static let annotation = OptionDeclaration.list(
        "annotation", nil, .pair("KEY=VALUE"), "Give the image's manifest an annotation")
    static let platform = OptionDeclaration.list(
        "platform", nil, .text("OS/ARCH"), "What the image shall run on; several with commas")
    static let pull = OptionDeclaration.flag("pull", nil, "Ask the registries for newer base images")
    static let names = [tag, target, argument, context, label, annotation, platform, pull]

    static let cacheFrom = OptionDeclaration.list(
        "cache-from", nil, .text("PLACE"), "Use steps cached there: NAME or type=registry|local,ref=…|src=…")
    static let cacheTo = OptionDeclaration.list(
        "cache-to", nil, .text("PLACE"), "Keep steps there: type=inline|registry|local,ref=…|dest=…,mode=min|max")
    static let noCache = OptionDeclaration.flag("no-cache", nil, "Run every step anew")
    static let noCacheFilter = OptionDeclaration.list(
        "no-cache-filter", nil, .text("STAGE"), "Run the steps of this stage anew; several with commas")
    static let cache = [cacheFrom, cacheTo, noCache, noCacheFilter]

    static let output = OptionDeclaration.list(
        "output", "o", .text("PLACE"),
        "To DIRECTORY, - or type=local|tar|docker|oci|image|registry,dest=…")
    static let load = OptionDeclaration.flag("load", nil, "Into the store, as without any --output")
    static let push = OptionDeclaration.flag("push", nil, "Push the image by each of its names")
    static let idFile = OptionDeclaration.value("iidfile", nil, .path("FILE"), "Write the image's identifier to a file")
    static let metadataFile = OptionDeclaration.value(
        "metadata-file", nil, .path("FILE"), "Write digests and names to a file, as JSON")
    static let provenance = OptionDeclaration.value(
        "provenance", nil, .text("mode=min|max"), "Attach how the image was made")
    static let inventory = OptionDeclaration.value("sbom", nil, .text("true"), "Attach what packages are in it (SPDX)")
    static let attest = OptionDeclaration.list(
        "attest", nil, .text("type=sbom|provenance"), "The same as --sbom and --provenance")
    static let results = [output, load, push, idFile, metadataFile, provenance, inventory, attest]

    static let secret = OptionDeclaration.list(
        "secret", nil, .text("id=NAME[,src=FILE|,env=NAME]"), "A secret for RUN --mount=type=secret")
    static let ssh = OptionDeclaration.list(
        "ssh", nil, .text("default|NAME=SOCKET"), "An ssh agent for RUN --mount=type=ssh")
    static let network = OptionDeclaration.value(
        "network", nil, .text("NETWORK"), "The network of RUN: default, none, host or one by its name")
    static let allow = OptionDeclaration.list(
        "allow", nil, .choice(["network.host", "security.insecure"]), "Let steps ask for this")
    static let hosts = OptionDeclaration.list("add-host", nil, .text("NAME:ADDRESS"), "A line of /etc/hosts for RUN")
    static let sharedMemory = OptionDeclaration.value("shm-size", nil, .text("SIZE"), "The size of /dev/shm")
    static let ulimit = OptionDeclaration.list("ulimit", nil, .text("NAME=SOFT[:HARD]"), "A resource limit")
    static let cgroupParent = OptionDeclaration.value(
        "cgroup-parent", nil, .text("GROUP"), "The control group that those of RUN are in")
    static let memory = OptionDeclaration.value("memory", "m", .text("SIZE"), "Memory a step may use")
    static let memorySwap = OptionDeclaration.value(
        "memory-swap", nil, .text("SIZE"), "Memory and swap together; -1 is no limit")
    static let cpuShares = OptionDeclaration.value("cpu-shares", "c", .integer("WEIGHT"), "Weight when CPUs are short")
    static let cpuPeriod = OptionDeclaration.value("cpu-period", nil, .integer("MICROSECONDS"), "Period of --cpu-quota")
    static let cpuQuota = OptionDeclaration.value(
        "cpu-quota", nil, .integer("MICROSECONDS"), "CPU time in each period")
    static let cpuSet = OptionDeclaration.value("cpuset-cpus", nil, .text("LIST"), "The CPUs: 0-3, 0,1")
    static let memorySet = OptionDeclaration.value("cpuset-mems", nil, .text("LIST"), "The memory nodes: 0-3, 0,1")
    static let steps = [
        secret, ssh, network, allow, hosts, sharedMemory, ulimit, cgroupParent, memory, memorySwap, cpuShares,
        cpuPeriod, cpuQuota, cpuSet, memorySet,
    ]

    static let progress = OptionDeclaration.value(
        "progress", nil, .choice(BuildProgressMode.allCases.map(\.rawValue)),
        "How it is shown (default: $BUILDKIT_PROGRESS or auto)")
    static let quiet = OptionDeclaration.flag("quiet", "q", "Print only the image's identifier")
    static let check = OptionDeclaration.flag("check", nil, "Only look for mistakes in the Dockerfile")
    static let call = OptionDeclaration.value(
        "call", nil, .choice(["build", "check", "outline", "targets"]), "Build, or tell about the Dockerfile")
    static let shown = [progress, quiet, check, call]

    static let squash = OptionDeclaration.flag("squash", nil, "Refused, as by Docker's default daemon")
    static let isolation = OptionDeclaration.value("isolation", nil, .text("KIND"), "Accepted where it is `default`")
    static let securityOption = OptionDeclaration.list("security-opt", nil, .text("OPTION"), "Refused, as on Linux")
    static let remove = OptionDeclaration.flag("rm", nil, "Accepted for Docker's sake: steps leave no containers")
    static let forceRemove = OptionDeclaration.flag("force-rm", nil, "Accepted for Docker's sake")
    static let compress = OptionDeclaration.flag("compress", nil, "Accepted for Docker's sake")
    static let builder = OptionDeclaration.value("builder", nil, .text("NAME"), "Accepted for Docker's sake")
    static let trust = OptionDeclaration.flag("disable-content-trust", nil, "Accepted for Docker's sake")
    static let others = [
        squash, isolation, securityOption, remove, forceRemove, compress, builder, trust,
    ]
}
