"""The customer record: customers, identities, interactions, segments and the journal."""
