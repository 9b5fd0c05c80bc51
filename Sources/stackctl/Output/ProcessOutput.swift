import Linux

extension Output {
    /// The process's own streams; `NO_COLOR` and `TERM=dumb` are respected (https://no-color.org).
    ///
    /// The process ends when nobody reads its standard output any more, as with `stackctl logs -f web | head`.
    static func process() -> Output {
        let colorless = !(Environment.get("NO_COLOR") ?? "").isEmpty || Environment.get("TERM") == "dumb"
        return Output(
            style: style(of: 1, colorless: colorless), errorStyle: style(of: 2, colorless: colorless),
            currentWidth: { width(of: 1) }, out: { write($0, to: 1) }, error: { write($0, to: 2) })
    }

    private static func style(of descriptor: Int32, colorless: Bool) -> Style {
        // A terminal that knows no sequences is written to like a file.
        guard Terminal.isTerminal(descriptor), Environment.get("TERM") != "dumb" else { return Style() }
        return Style(isTerminal: true, color: !colorless, width: width(of: descriptor))
    }

    private static func width(of descriptor: Int32) -> Int {
        let columns = Terminal.size(descriptor).map { Int($0.columns) } ?? 0
        return columns > 0 ? columns : 80
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        guard descriptor == 1 else {
            Console.error.write(bytes)
            return
        }
        do {
            try Console.output.put(bytes)
        } catch let error where error.errno == .EPIPE {
            CurrentProcess.exit(ExitCode.brokenPipe.code)
        } catch {
            Console.error.line("error: standard output cannot be written: \(error)")
            CurrentProcess.exit(ExitCode.failure.code)
        }
    }
}
