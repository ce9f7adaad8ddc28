"""The TLS process, where the installation has a certificate: the only one that holds its key. It accepts connections,
makes their handshakes under budgets, and gives the ingress process one end of a pair of sockets with what was
decrypted, so that a handshake costs neither ingress nor control anything, and what reads HTTP never has the key. Read
`terminator` first, then `handshakes` (turns and time-outs), `pump` (one connection after its handshake), `certificate`
and `watch` (the files, and their renewal), `link` (the way to ingress). In the ingress process run `intake`, the other
end of that, and `redirect`, the answers of the plain port."""
