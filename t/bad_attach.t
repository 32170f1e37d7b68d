#!/usr/bin/perl

# Servers that cannot be attached to a cluster: nginx refuses each with the
# file, the line and what to do.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SSS;
use Test::Nginx::Socket 'no_plan';

no_shuffle();
run_tests();

__DATA__

=== TEST 1: an unknown cluster
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen              unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_certificate     $TEST_NGINX_DIR/a.crt;
    ssl_certificate_key $TEST_NGINX_DIR/a.key;
    ssl_session_sync    mian;
}
--- config
--- must_die
--- error_log eval
qr/unknown cluster "mian" in \S+nginx\.conf:\d+; define it with "ssl_session_sync_cluster mian \{ \.\.\. \}" at the top level, or say "off"/



=== TEST 2: no cluster at all
--- http_config
server {
    listen              unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_certificate     $TEST_NGINX_DIR/a.crt;
    ssl_certificate_key $TEST_NGINX_DIR/a.key;
    ssl_session_sync    main;
}
--- config
--- must_die
--- error_log eval
qr/unknown cluster "main" in \S+nginx\.conf:\d+; define it/



=== TEST 3: an unknown cluster, inherited
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync mian;
server {
    listen              unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_certificate     $TEST_NGINX_DIR/a.crt;
    ssl_certificate_key $TEST_NGINX_DIR/a.key;
}
--- config
--- must_die
--- error_log eval
qr/unknown cluster "mian" in \S+nginx\.conf:\d+; define it/



=== TEST 4: a server without TLS
--- main_config
ssl_session_sync_cluster main { }
--- config
ssl_session_sync main;
--- must_die
--- error_log eval
qr/"ssl_session_sync main" in \S+nginx\.conf:\d+, but no TLS is configured there; move it to a server with "listen \.\.\. ssl" and "ssl_certificate", or remove it/



=== TEST 5: http without any TLS
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
--- config
--- must_die
--- error_log eval
qr/"ssl_session_sync main" in \S+nginx\.conf:\d+, but no TLS is configured there; move it/



=== TEST 6: stream without TLS
--- main_config
ssl_session_sync_cluster main { }
stream {
    server {
        listen           unix:$TEST_NGINX_DIR/stream.sock;
        ssl_session_sync main;
        return           "";
    }
}
--- config
--- must_die
--- error_log eval
qr/"ssl_session_sync main" in \S+nginx\.conf:\d+, but no TLS is configured there; move it/



=== TEST 7: mail without TLS
--- main_config
ssl_session_sync_cluster main { }
mail {
    auth_http 127.0.0.1:1/;
    server {
        listen           unix:$TEST_NGINX_DIR/mail.sock;
        protocol         imap;
        ssl_session_sync main;
    }
}
--- config
--- must_die
--- error_log eval
qr/"ssl_session_sync main" in \S+nginx\.conf:\d+, but no TLS is configured there; move it/



=== TEST 8: an unknown cluster in stream
--- main_config
stream {
    server {
        listen              unix:$TEST_NGINX_DIR/stream.sock ssl;
        ssl_certificate     $TEST_NGINX_DIR/a.crt;
        ssl_certificate_key $TEST_NGINX_DIR/a.key;
        ssl_session_sync    main;
        return              "";
    }
}
--- config
--- must_die
--- error_log eval
qr/unknown cluster "main" in \S+nginx\.conf:\d+; define it/



=== TEST 9: an unknown cluster in mail
--- main_config
mail {
    auth_http 127.0.0.1:1/;
    server {
        listen              unix:$TEST_NGINX_DIR/mail.sock ssl;
        protocol            imap;
        ssl_certificate     $TEST_NGINX_DIR/a.crt;
        ssl_certificate_key $TEST_NGINX_DIR/a.key;
        ssl_session_sync    main;
    }
}
--- config
--- must_die
--- error_log eval
qr/unknown cluster "main" in \S+nginx\.conf:\d+; define it/



=== TEST 10: a name-based server where the default server does not synchronise
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_certificate     $TEST_NGINX_DIR/a.crt;
ssl_certificate_key $TEST_NGINX_DIR/a.key;
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name      a.example;
}
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name      b.example;
    ssl_session_sync main;
}
--- config
--- must_die
--- error_log eval
qr/"ssl_session_sync main" in \S+nginx\.conf:\d+ cannot work on the listener \S+, whose default server has no ssl_session_sync: .*; enable ssl_session_sync there/



=== TEST 11: the same where the default server is off
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_certificate     $TEST_NGINX_DIR/a.crt;
ssl_certificate_key $TEST_NGINX_DIR/a.key;
ssl_session_sync    main;
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl default_server;
    server_name      a.example;
    ssl_session_sync off;
}
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name      b.example;
}
--- config
--- must_die
--- error_log eval
qr/cannot work on the listener \S+, whose default server has no ssl_session_sync/



=== TEST 12: ssl_session_sync twice
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
ssl_session_sync off;
--- config
--- must_die
--- error_log eval
qr/"ssl_session_sync" directive is duplicate in \S+nginx\.conf:\d+/



=== TEST 13: ssl_session_sync of a location
--- main_config
ssl_session_sync_cluster main { }
--- config
location / {
    ssl_session_sync main;
}
--- must_die
--- error_log eval
qr/"ssl_session_sync" directive is not allowed here in \S+nginx\.conf:\d+/



=== TEST 14: an empty scope
--- config
ssl_session_sync_scope "";
--- must_die
--- error_log eval
qr/ssl_session_sync_scope cannot be empty; give "auto" or a string .* in \S+nginx\.conf:\d+/



=== TEST 15: a scope twice
--- config
ssl_session_sync_scope a;
ssl_session_sync_scope b;
--- must_die
--- error_log eval
qr/"ssl_session_sync_scope" directive is duplicate in \S+nginx\.conf:\d+/



=== TEST 16: status of a server
--- config
ssl_session_sync_status;
--- must_die
--- error_log eval
qr/"ssl_session_sync_status" directive is not allowed here in \S+nginx\.conf:\d+/



=== TEST 17: status with an argument
--- config
location = /status {
    ssl_session_sync_status json;
}
--- must_die
--- error_log eval
qr/invalid number of arguments in "ssl_session_sync_status" directive in \S+nginx\.conf:\d+/
