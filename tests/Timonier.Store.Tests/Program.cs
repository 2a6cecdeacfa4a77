using Timonier.Store.Tests;

// Never run by the test runner, which loads this assembly as a library.
await CrashWriter.RunAsync(args);
