namespace Timonier.Commands;

/// <summary>A command can't do what was asked: one clear sentence for the person, and exit status 1.</summary>
public sealed class CommandException(string message, Exception? inner = null) : Exception(message, inner);
