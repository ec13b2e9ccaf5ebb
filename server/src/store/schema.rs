//! The tables as Diesel sees them. Kept by hand, in step with `migrations/`.

diesel::table! {
    accounts (id) {
        id -> Uuid,
        plan -> Text,
        posted_nanos -> BigInt,
        created_at -> Timestamptz,
        stripe_customer_id -> Nullable<Text>,
        checkout_session_id -> Nullable<Text>,
        billing_fence -> BigInt,
        billing_written -> BigInt,
        books_version -> BigInt,
        suspended_at -> Nullable<Timestamptz>,
        grace_until -> Nullable<Timestamptz>,
        change_leased_until -> Nullable<Timestamptz>,
        erase_at -> Nullable<Timestamptz>,
        erased_at -> Nullable<Timestamptz>,
        deleted_customer_id -> Nullable<Text>,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        account_id -> Uuid,
        display_name -> Text,
        email -> Nullable<Text>,
        email_verified -> Bool,
        created_at -> Timestamptz,
        is_operator -> Bool,
        last_seen_at -> Timestamptz,
    }
}

diesel::table! {
    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> Uuid,
        provider_name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sign_in_flows (state_hash) {
        state_hash -> Bytea,
        browser_hash -> Bytea,
        provider_key -> Text,
        nonce -> Text,
        pkce_verifier -> Text,
        return_to -> Text,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        token_hash -> Bytea,
        user_id -> Uuid,
        user_agent -> Text,
        created_at -> Timestamptz,
        last_seen_at -> Timestamptz,
        expires_at -> Timestamptz,
        viewed_user_id -> Nullable<Uuid>,
        viewing_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        account_id -> Uuid,
        user_id -> Uuid,
        name -> Text,
        hash -> Bytea,
        hint -> Text,
        created_at -> Timestamptz,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
        charged_nanos -> BigInt,
    }
}

diesel::table! {
    audit_events (id) {
        id -> Uuid,
        kind -> Text,
        user_id -> Nullable<Uuid>,
        request_id -> Text,
        detail -> Text,
        occurred_at -> Timestamptz,
        operator_id -> Nullable<Uuid>,
        account_id -> Nullable<Uuid>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        reason -> Text,
        address -> Nullable<Text>,
        form_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    failed_requests (id) {
        id -> Uuid,
        failed_at -> Timestamptz,
        method -> Text,
        route -> Text,
        status -> Integer,
    }
}

diesel::table! {
    limit_overrides (account_id) {
        account_id -> Uuid,
        requests_per_minute -> Nullable<Integer>,
        requests_per_day -> Nullable<Integer>,
        tokens_per_minute -> Nullable<Integer>,
        concurrent_replies -> Nullable<Integer>,
        ends_at -> Timestamptz,
    }
}

diesel::table! {
    plan_overrides (account_id) {
        account_id -> Uuid,
        plan -> Text,
        ends_at -> Timestamptz,
    }
}

diesel::table! {
    threads (id) {
        id -> Uuid,
        account_id -> Uuid,
        title -> Text,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        erased_at -> Nullable<Timestamptz>,
        shown_message_id -> Nullable<Uuid>,
        is_program -> Bool,
    }
}

diesel::table! {
    messages (id) {
        id -> Uuid,
        thread_id -> Uuid,
        parent_id -> Nullable<Uuid>,
        role -> Text,
        content -> Text,
        reasoning -> Text,
        generation_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        tool_calls -> Jsonb,
    }
}

diesel::table! {
    generations (id) {
        id -> Uuid,
        account_id -> Uuid,
        client_request_id -> Uuid,
        thread_id -> Uuid,
        parent_message_id -> Uuid,
        model -> Text,
        state -> Text,
        checkpoint_text -> Text,
        estimated_input_tokens -> Integer,
        price_version -> Integer,
        stop_requested_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        traceparent -> Nullable<Text>,
        checkpoint_reasoning -> Text,
        checkpoint_input_tokens -> Nullable<Integer>,
        checkpoint_cached_input_tokens -> Nullable<Integer>,
        checkpoint_output_tokens -> Nullable<Integer>,
        checkpoint_reasoning_tokens -> Nullable<Integer>,
        checkpoint_route_key -> Nullable<Text>,
        checkpoint_attempt_at -> Nullable<Timestamptz>,
        checkpoint_tool_calls -> Jsonb,
    }
}

diesel::table! {
    grants (id) {
        id -> Uuid,
        account_id -> Uuid,
        cause -> Text,
        amount_nanos -> BigInt,
        remaining_nanos -> BigInt,
        reclaim_nanos -> BigInt,
        expires_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        taken_back_nanos -> BigInt,
        opening_nanos -> Nullable<BigInt>,
        opened_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    holds (generation_id) {
        generation_id -> Uuid,
        account_id -> Uuid,
        amount_nanos -> BigInt,
        state -> Text,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        overage_nanos -> BigInt,
    }
}

diesel::table! {
    hold_allocations (generation_id, grant_id) {
        generation_id -> Uuid,
        grant_id -> Uuid,
        amount_nanos -> BigInt,
    }
}

diesel::table! {
    ledger_entries (id) {
        id -> Uuid,
        number -> BigInt,
        account_id -> Uuid,
        cause -> Text,
        amount_nanos -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    usage_records (generation_id) {
        generation_id -> Uuid,
        account_id -> Uuid,
        model -> Text,
        input_tokens -> Integer,
        output_tokens -> Integer,
        is_estimated -> Bool,
        is_provisional -> Bool,
        price_version -> Integer,
        route_key -> Nullable<Text>,
        cached_input_tokens -> Integer,
        reasoning_tokens -> Integer,
        cost_nanos -> BigInt,
        charged_nanos -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    account_months (account_id, month) {
        month -> Date,
        account_id -> Uuid,
        charged_nanos -> BigInt,
    }
}

diesel::table! {
    spending_caps (account_id, thread_id) {
        account_id -> Uuid,
        thread_id -> Nullable<Uuid>,
        limit_nanos -> Nullable<BigInt>,
        is_hard -> Bool,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    spending_alerts (account_id, month, basis, percent) {
        account_id -> Uuid,
        month -> Date,
        basis -> Text,
        percent -> SmallInt,
        created_at -> Timestamptz,
        dismissed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    models (key) {
        key -> Text,
        name -> Text,
        description -> Text,
        context_tokens -> Integer,
        max_output_tokens -> Integer,
        min_output_tokens -> Integer,
        position -> Integer,
        is_enabled -> Bool,
        is_off -> Bool,
        last_price_version -> Integer,
    }
}

diesel::table! {
    switches (key) {
        key -> Text,
        is_on -> Bool,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    model_prices (model_key, version) {
        model_key -> Text,
        version -> Integer,
        input_nanos_per_million -> BigInt,
        cached_input_nanos_per_million -> BigInt,
        output_nanos_per_million -> BigInt,
        effective_from -> Timestamptz,
    }
}

diesel::table! {
    model_routes (key) {
        key -> Text,
        model_key -> Text,
        position -> Integer,
        provider -> Text,
        base_url -> Text,
        upstream_model -> Text,
        api_key_variable -> Text,
        input_nanos_per_million -> BigInt,
        cached_input_nanos_per_million -> BigInt,
        output_nanos_per_million -> BigInt,
        is_enabled -> Bool,
        output_cap_field -> Text,
        first_token_seconds -> Nullable<Integer>,
        usage_in_stream -> Bool,
        takes_sampling -> Bool,
    }
}

diesel::table! {
    plan_models (plan, model_key) {
        plan -> Text,
        model_key -> Text,
    }
}

diesel::table! {
    generation_attempts (generation_id, number) {
        generation_id -> Uuid,
        number -> Integer,
        route_key -> Text,
        started_at -> Timestamptz,
        first_token_ms -> Nullable<Integer>,
        duration_ms -> Integer,
        outcome -> Text,
        input_tokens -> Nullable<Integer>,
        output_tokens -> Nullable<Integer>,
        cost_nanos -> BigInt,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        kind -> Text,
        payload -> Jsonb,
        state -> Text,
        unique_key -> Nullable<Text>,
        serial_key -> Nullable<Text>,
        run_at -> Timestamptz,
        attempt -> Integer,
        max_attempts -> Integer,
        leased_until -> Nullable<Timestamptz>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        traceparent -> Nullable<Text>,
    }
}

diesel::table! {
    schedule_slots (name, slot) {
        name -> Text,
        slot -> Timestamptz,
    }
}

diesel::table! {
    subscriptions (account_id) {
        account_id -> Uuid,
        id -> Text,
        status -> Text,
        plan -> Nullable<Text>,
        interval -> Text,
        amount_cents -> BigInt,
        period_start -> Timestamptz,
        period_end -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
        past_due_since -> Nullable<Timestamptz>,
        grace_ends_at -> Nullable<Timestamptz>,
        credit_resets_at -> Nullable<Timestamptz>,
        next_plan -> Nullable<Text>,
        next_interval -> Nullable<Text>,
        next_amount_cents -> Nullable<BigInt>,
        next_at -> Nullable<Timestamptz>,
        unpaid_change_url -> Nullable<Text>,
        card_brand -> Nullable<Text>,
        card_last4 -> Nullable<Text>,
        card_expires_month -> Nullable<Integer>,
        card_expires_year -> Nullable<Integer>,
        metered_item_id -> Nullable<Text>,
    }
}

diesel::table! {
    overages (account_id) {
        account_id -> Uuid,
        cap_nanos -> Nullable<BigInt>,
        period_start -> Nullable<Timestamptz>,
        used_nanos -> BigInt,
        total_nanos -> BigInt,
    }
}

diesel::table! {
    meter_events (id) {
        id -> Uuid,
        account_id -> Uuid,
        amount_nanos -> BigInt,
        units -> BigInt,
        occurred_at -> Timestamptz,
        period_start -> Timestamptz,
        limit_nanos -> BigInt,
        attempts -> Integer,
        first_tried_at -> Nullable<Timestamptz>,
        sent_at -> Nullable<Timestamptz>,
        refused_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    provider_usage (provider, model, day) {
        provider -> Text,
        model -> Text,
        day -> Date,
        requests -> BigInt,
        input_tokens -> BigInt,
        cached_input_tokens -> BigInt,
        output_tokens -> BigInt,
        cost_nanos -> Nullable<BigInt>,
        imported_at -> Timestamptz,
    }
}

diesel::table! {
    invoices (id) {
        id -> Text,
        account_id -> Uuid,
        subscription_id -> Nullable<Text>,
        number -> Nullable<Text>,
        status -> Text,
        billing_reason -> Nullable<Text>,
        total_cents -> BigInt,
        refunded_cents -> BigInt,
        created_at -> Timestamptz,
        paid_at -> Nullable<Timestamptz>,
        url -> Nullable<Text>,
        pdf_url -> Nullable<Text>,
    }
}

diesel::table! {
    purchases (id) {
        id -> Text,
        account_id -> Uuid,
        pack -> Text,
        credit_nanos -> BigInt,
        amount_cents -> BigInt,
        refunded_cents -> BigInt,
        bought_at -> Timestamptz,
        receipt_url -> Nullable<Text>,
    }
}

diesel::table! {
    stripe_events (id) {
        id -> Text,
        #[sql_name = "type"]
        kind -> Text,
        api_version -> Nullable<Text>,
        is_live -> Bool,
        customer_id -> Nullable<Text>,
        payload -> Jsonb,
        received_at -> Timestamptz,
        processed_at -> Nullable<Timestamptz>,
        error -> Nullable<Text>,
        attempts -> Integer,
    }
}

diesel::table! {
    money_back (id) {
        id -> Text,
        account_id -> Uuid,
        kind -> Text,
        amount_cents -> BigInt,
        status -> Text,
        reason -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    reconciliations (id) {
        id -> Uuid,
        started_at -> Timestamptz,
        finished_at -> Timestamptz,
        missed_events -> Integer,
        drifted_customers -> Integer,
        kind -> Text,
        findings -> Jsonb,
    }
}

diesel::table! {
    notices (id) {
        id -> Uuid,
        account_id -> Uuid,
        kind -> Text,
        cause -> Text,
        facts -> Jsonb,
        created_at -> Timestamptz,
        mailed_at -> Nullable<Timestamptz>,
        kept_at -> Nullable<Timestamptz>,
        dismissed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    mail_opt_outs (user_id, kind) {
        user_id -> Uuid,
        kind -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    mail_links (token_hash) {
        token_hash -> Bytea,
        user_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ratings (message_id, account_id) {
        message_id -> Uuid,
        account_id -> Uuid,
        is_good -> Bool,
        rated_at -> Timestamptz,
    }
}

diesel::table! {
    money_audits (invariant) {
        invariant -> Text,
        violations -> BigInt,
        checked_at -> Timestamptz,
    }
}

diesel::joinable!(users -> accounts (account_id));
diesel::joinable!(subscriptions -> accounts (account_id));
diesel::joinable!(overages -> accounts (account_id));
diesel::joinable!(limit_overrides -> accounts (account_id));
diesel::joinable!(plan_overrides -> accounts (account_id));
diesel::joinable!(meter_events -> accounts (account_id));
diesel::joinable!(identities -> users (user_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(generations -> threads (thread_id));
diesel::joinable!(hold_allocations -> holds (generation_id));
diesel::joinable!(usage_records -> generations (generation_id));
diesel::joinable!(holds -> generations (generation_id));
diesel::joinable!(spending_caps -> threads (thread_id));
diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    users,
    identities,
    sessions,
    subscriptions,
    overages,
    limit_overrides,
    plan_overrides,
    meter_events
);
diesel::allow_tables_to_appear_in_same_query!(
    threads,
    messages,
    ratings,
    generations,
    usage_records,
    holds,
    hold_allocations,
    models,
    model_prices,
    spending_caps
);
