"""The PBX: the switch port, wire codecs, adapters, and the bundled appliance."""
