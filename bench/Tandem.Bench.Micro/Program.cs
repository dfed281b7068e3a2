using BenchmarkDotNet.Running;

// bench/README.md says how to run it.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);
