
/*
 * The numbers of the status page with their names in all formats.  For a new
 * counter, add a field to ngx_ssl_session_sync_counters_t and a line here.
 */


#include "ngx_ssl_session_sync_snapshot.h"


#define ngx_ssl_session_sync_count(name, title, field)                        \
    { name, title,                                                            \
      offsetof(ngx_ssl_session_sync_snapshot_t, counters.field),              \
      NULL, NULL, NULL }

#define ngx_ssl_session_sync_end                                              \
    { NULL, NULL, 0, NULL, NULL, NULL }


static ngx_ssl_session_sync_counter_t  ngx_ssl_session_sync_tickets[] = {
    ngx_ssl_session_sync_count("issued", "issued", issued),
    ngx_ssl_session_sync_count("resumed", "resumed", resumed),
    ngx_ssl_session_sync_count("renewed", "renewed", renewed),
    ngx_ssl_session_sync_count("unknown_key", "unknown key", unknown_key),
    ngx_ssl_session_sync_count("refused_binding", "refused binding",
                               refused_binding),
    ngx_ssl_session_sync_count("file_key", "file key", file_key),
    ngx_ssl_session_sync_end
};


static ngx_ssl_session_sync_counter_t  ngx_ssl_session_sync_handshakes[] = {
    ngx_ssl_session_sync_count("full", "full", full),
    ngx_ssl_session_sync_count("resumed_ticket", "resumed by ticket",
                               resumed),
    ngx_ssl_session_sync_count("resumed_id_local", "resumed by ID, this host",
                               id_local),
    ngx_ssl_session_sync_count("resumed_id_remote",
                               "resumed by ID, memcached", id_remote),
    ngx_ssl_session_sync_end
};


static ngx_ssl_session_sync_counter_t  ngx_ssl_session_sync_sessions[] = {
    ngx_ssl_session_sync_count("stored", "stored", stores),
    ngx_ssl_session_sync_count("removed", "removed", removals),
    ngx_ssl_session_sync_count("lookups", "lookups", gets),
    ngx_ssl_session_sync_count("misses", "misses", misses),
    ngx_ssl_session_sync_count("failures", "failures", failures),
    ngx_ssl_session_sync_count("timeouts", "timeouts", timeouts),
    ngx_ssl_session_sync_count("dropped", "dropped", dropped),
    ngx_ssl_session_sync_count("forged", "forged", forged),
    ngx_ssl_session_sync_count("refused_binding", "refused binding",
                               refused_id),
    ngx_ssl_session_sync_count("bad_records", "bad records", bad_sessions),
    ngx_ssl_session_sync_count("breaker_opened", "breaker opened", opened),
    ngx_ssl_session_sync_end
};


static ngx_ssl_session_sync_counter_t  ngx_ssl_session_sync_early[] = {
    ngx_ssl_session_sync_count("accepted", "accepted", early_accepted),
    ngx_ssl_session_sync_count("replay", "replay", early_replay),
    ngx_ssl_session_sync_count("unsure", "unsure", early_unsure),
    ngx_ssl_session_sync_count("off", "off", early_off),
    ngx_ssl_session_sync_count("unanswered", "unsure: unanswered",
                               early_unanswered),
    ngx_ssl_session_sync_count("forgotten", "unsure: forgotten",
                               early_forgotten),
    ngx_ssl_session_sync_count("servers", "unsure: servers", early_servers),
    ngx_ssl_session_sync_count("clock", "unsure: clock", early_clock),
    ngx_ssl_session_sync_count("full", "unsure: full", early_full),
    ngx_ssl_session_sync_count("unheld", "unsure: unheld", early_unheld),
    ngx_ssl_session_sync_end
};


static ngx_ssl_session_sync_counter_t  ngx_ssl_session_sync_engines[] = {

    { "waiting", "waiting now",
      offsetof(ngx_ssl_session_sync_snapshot_t, waiting),
      "lookups_waiting", "gauge", "Lookups under way." },

    { "breakers_open", "breakers open now",
      offsetof(ngx_ssl_session_sync_snapshot_t, open),
      "breakers_open", "gauge", "Workers that wait for no lookup." },

    { "batches", "batches",
      offsetof(ngx_ssl_session_sync_snapshot_t, counters.batches),
      "lookup_batches_total", "counter", "Requests for several lookups." },

    ngx_ssl_session_sync_end
};


ngx_ssl_session_sync_group_t  ngx_ssl_session_sync_groups[] = {

    { "handshakes", "Handshakes", ngx_ssl_session_sync_handshakes,
      "handshakes_total", "Completed handshakes by kind.", 0 },

    { "tickets", "Tickets", ngx_ssl_session_sync_tickets,
      "tickets_total", "Session tickets by event.", 0 },

    { "sessions", "Sessions by ID", ngx_ssl_session_sync_sessions,
      "sessions_total", "Sessions by ID, by event.", 0 },

    { "early_data", "Early data", ngx_ssl_session_sync_early,
      "early_data_total",
      "Early data by what became of it, and why it was unsure.", 0 },

    { "engines", "Lookups", ngx_ssl_session_sync_engines,
      NULL, NULL, 1 },

    { NULL, NULL, NULL, NULL, NULL, 0 }
};


ngx_ssl_session_sync_tally_t  ngx_ssl_session_sync_tallies[] = {

    { "polls", "Polls.", offsetof(sss_server_report_t, polls) },

    { "errors", "Failed operations.",
      offsetof(sss_server_report_t, errors) },

    { "bad_records", "Records that did not open.",
      offsetof(sss_server_report_t, bad_records) },

    { "writes", "Records written.", offsetof(sss_server_report_t, writes) },

    { "conflicts", "Writes for which another host was faster.",
      offsetof(sss_server_report_t, conflicts) },

    { NULL, NULL, 0 }
};


ngx_atomic_uint_t
ngx_ssl_session_sync_counted(ngx_ssl_session_sync_snapshot_t *s,
    ngx_ssl_session_sync_counter_t *counter)
{
    return *(ngx_atomic_t *) ((u_char *) s + counter->offset);
}


uint64_t
ngx_ssl_session_sync_tallied(sss_server_report_t *report,
    ngx_ssl_session_sync_tally_t *tally)
{
    return *(uint64_t *) ((u_char *) report + tally->offset);
}
