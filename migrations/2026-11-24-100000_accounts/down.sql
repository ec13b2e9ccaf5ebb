drop table audit_events, sessions, sign_in_flows, identities, users, accounts;
