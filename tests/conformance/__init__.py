"""The official conformance suite, the Inspector and the SDKs' clients, run against this program's own server."""
