using System.Security.Cryptography;
using Timonier.ApiServer.Encryption;

namespace Timonier.ApiServer.Tests.Encryption;

public sealed class SecretBoxTests
{
    /// <summary>NaCl's own vector (tests/secretbox.c).</summary>
    private const string Key = "1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389";
    private const string Nonce = "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37";
    private const string Message =
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f41db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52f0a089bc76897040e082f937763848645e0705";
    private const string Box =
        "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c97271d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b37973f622a43d14a6599b1f654cb45a74e355a5";

    private static byte[] Hex(string text) => Convert.FromHexString(text);

    [Fact]
    public void KnownVector_IsMetBothWays()
    {
        Assert.Equal(Box, Convert.ToHexStringLower(SecretBox.Seal(Hex(Key), Hex(Nonce), Hex(Message))));
        Assert.Equal(Message, Convert.ToHexStringLower(SecretBox.Open(Hex(Key), Hex(Nonce), Hex(Box))));
    }

    [Fact]
    public void EveryLength_ComesBackAndNoBitMayChange()
    {
        var random = new Random(1);
        for (var length = 0; length < 300; length++)
        {
            byte[] key = new byte[32], nonce = new byte[24], plain = new byte[length];
            random.NextBytes(key);
            random.NextBytes(nonce);
            random.NextBytes(plain);
            // All ones drive the carries of the tag's arithmetic to their ends.
            if (length % 3 == 0)
                Array.Fill(plain, (byte)255);
            var box = SecretBox.Seal(key, nonce, plain);
            Assert.Equal(plain, SecretBox.Open(key, nonce, box));
            box[random.Next(box.Length)] ^= (byte)(1 << random.Next(8));
            Assert.Throws<CryptographicException>(() => SecretBox.Open(key, nonce, box));
        }
        Assert.Throws<CryptographicException>(() => SecretBox.Open(new byte[32], new byte[24], new byte[15]));
    }
}
