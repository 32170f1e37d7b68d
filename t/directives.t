#!/usr/bin/perl

# Configurations that are good: everywhere a directive may stand, defaults,
# inheritance and "off".  The upstream of a location is a TLS server of the
# same nginx, whose answer says how the connection's session came about.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SSS;
use Test::Nginx::Socket 'no_plan';

my $good = '0123456789abcdef' x 4;

secret_file('three.secret', "  $good  # sealing\n\n# older\n"
                            . uc(reverse $good) . "\r\n"
                            . '00112233445566778899aabbccddeeff' x 2);

# nginx does not free the sessions of its upstreams when it ends.
$ENV{ASAN_OPTIONS} =~ s/detect_leaks=1/detect_leaks=0/ if $ENV{ASAN_OPTIONS};

# For all of them but those that say "no_tls".
add_block_preprocessor(sub {
    my $block = shift;

    $block->set_value('http_config', <<'END' . ($block->http_config // ''))
ssl_certificate          $TEST_NGINX_DIR/a.crt;
ssl_certificate_key      $TEST_NGINX_DIR/a.key;
proxy_ssl_session_reuse  on;
proxy_ssl_server_name    on;
proxy_ssl_name           a.example;
proxy_ssl_protocols      TLSv1.2;
proxy_http_version       1.1;
END
        unless defined $block->no_tls;
    $block->set_value('no_error_log', "[alert]\n[crit]\n[emerg]")
        unless defined $block->no_error_log;
});

no_shuffle();
run_tests();

__DATA__

=== TEST 1: nothing of the module is used
--- http_config
server {
    listen unix:$TEST_NGINX_DIR/tls.sock ssl;
    return 200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request
GET /t
--- response_body chomp
[]



=== TEST 2: a cluster that no server uses
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen unix:$TEST_NGINX_DIR/tls.sock ssl;
    return 200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request
GET /t
--- response_body chomp
[]



=== TEST 3: every directive of a cluster
--- main_config
ssl_session_sync_cluster main {
    memcached      127.0.0.1:$TEST_NGINX_RAND_PORT_1 weight=2;
    memcached      [::1]:$TEST_NGINX_RAND_PORT_1;
    memcached      localhost:$TEST_NGINX_RAND_PORT_2;
    memcached      unix:$TEST_NGINX_DIR/memcached.sock;
    secret_file    $TEST_NGINX_DIR/three.secret;
    namespace      other;
    key_rotation   1h;
    poll_interval  2s;
    lookup_timeout 50ms;
}
--- http_config
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_session_sync main;
    return           200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t", "GET /t"]
--- response_body eval
["[full]", "[ticket]"]



=== TEST 4: in server
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_session_sync main;
    return           200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t", "GET /t", "GET /t"]
--- response_body eval
["[full]", "[ticket]", "[ticket]"]



=== TEST 5: in http, before the cluster is defined
--- http_config
ssl_session_sync main;
server {
    listen unix:$TEST_NGINX_DIR/tls.sock ssl;
    return 200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- post_main_config
ssl_session_sync_cluster main { }
--- request eval
["GET /t", "GET /t"]
--- response_body eval
["[full]", "[ticket]"]



=== TEST 6: off in server
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_session_sync off;
    return           200 "[$ssl_session_sync]";
}
server {
    listen           unix:$TEST_NGINX_DIR/other.sock ssl;
    return           200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
location /o {
    proxy_pass https://unix:$TEST_NGINX_DIR/other.sock;
}
--- request eval
["GET /t", "GET /t", "GET /o", "GET /o"]
--- response_body eval
["[]", "[]", "[full]", "[ticket]"]



=== TEST 7: off in http, with no TLS anywhere
--- http_config
ssl_session_sync off;
--- config
location /t {
    return 200 "[$ssl_session_sync]";
}
--- request
GET /t
--- response_body chomp
[]



=== TEST 8: TLS 1.3
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_protocols    TLSv1.3;
    ssl_session_sync main;
    return           200 "[$ssl_protocol $ssl_session_sync]";
}
--- config
location /t {
    proxy_ssl_protocols TLSv1.3;
    proxy_pass          https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t", "GET /t", "GET /t"]
--- response_body eval
["[TLSv1.3 full]", "[TLSv1.3 ticket]",
 SSS::nginx_since(1, 21, 6) ? "[TLSv1.3 ticket]" : "[TLSv1.3 full]"]



=== TEST 9: another name, another session
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
server {
    listen      unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name a.example;
    return      200 "[a $ssl_session_sync $ssl_server_name]";
}
server {
    listen      unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name b.example;
    return      200 "[b $ssl_session_sync $ssl_server_name]";
}
--- config
location /t {
    proxy_ssl_name   $arg_name;
    proxy_set_header Host $arg_name;
    proxy_pass       https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t?name=a.example", "GET /t?name=b.example", "GET /t?name=b.example",
 "GET /t?name=a.example"]
--- response_body eval
["[a full a.example]", "[b full b.example]", "[b ticket b.example]",
 "[a full a.example]"]



=== TEST 10: a scope of its own, inherited
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync       main;
ssl_session_sync_scope shop;
server {
    listen unix:$TEST_NGINX_DIR/tls.sock ssl;
    return 200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t", "GET /t"]
--- response_body eval
["[full]", "[ticket]"]



=== TEST 11: ssl_session_tickets off
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen              unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_session_sync    main;
    ssl_session_tickets off;
    ssl_session_cache   off;
    return              200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t", "GET /t"]
--- response_body eval
["[full]", "[full]"]



=== TEST 12: nginx's own cache, without tickets
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen              unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_session_sync    main;
    ssl_session_tickets off;
    ssl_session_cache   shared:TLS:1m;
    return              200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t", "GET /t"]
--- response_body eval
["[full]", "[id-local]"]



=== TEST 13: several clusters side by side
--- main_config
ssl_session_sync_cluster one { }
ssl_session_sync_cluster two { }
--- http_config
server {
    listen           unix:$TEST_NGINX_DIR/one.sock ssl;
    ssl_session_sync one;
    return           200 "[one $ssl_session_sync]";
}
server {
    listen           unix:$TEST_NGINX_DIR/two.sock ssl;
    ssl_session_sync two;
    return           200 "[two $ssl_session_sync]";
}
--- config
location /one {
    proxy_pass https://unix:$TEST_NGINX_DIR/one.sock;
}
location /two {
    proxy_pass https://unix:$TEST_NGINX_DIR/two.sock;
}
--- request eval
["GET /one", "GET /two", "GET /one", "GET /two"]
--- response_body eval
["[one full]", "[two full]", "[one ticket]", "[two ticket]"]



=== TEST 14: name-based servers that are off or in another cluster
--- main_config
ssl_session_sync_cluster one { }
ssl_session_sync_cluster two { }
--- http_config
ssl_session_sync one;
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name      a.example;
    return           200 "[$ssl_session_sync]";
}
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name      b.example;
    ssl_session_sync off;
    return           200 "[$ssl_session_sync]";
}
server {
    listen           unix:$TEST_NGINX_DIR/tls.sock ssl;
    server_name      c.example;
    ssl_session_sync two;
    return           200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_ssl_name   $arg_name;
    proxy_set_header Host $arg_name;
    proxy_pass       https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /t?name=b.example", "GET /t?name=b.example",
 "GET /t?name=c.example", "GET /t?name=c.example",
 "GET /t?name=a.example", "GET /t?name=a.example"]
--- response_body eval
["[]", "[]", "[full]", "[ticket]", "[full]", "[ticket]"]



=== TEST 15: stream
--- main_config
ssl_session_sync_cluster main { }
stream {
    ssl_session_sync    main;
    ssl_certificate     $TEST_NGINX_DIR/a.crt;
    ssl_certificate_key $TEST_NGINX_DIR/a.key;
    server {
        listen     unix:$TEST_NGINX_DIR/stream.sock ssl;
        proxy_pass unix:$TEST_NGINX_DIR/$ssl_session_sync.sock;
    }
}
--- http_config
server {
    listen unix:$TEST_NGINX_DIR/full.sock;
    return 200 "[full]";
}
server {
    listen unix:$TEST_NGINX_DIR/ticket.sock;
    return 200 "[ticket]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/stream.sock;
}
--- request eval
["GET /t", "GET /t"]
--- response_body eval
["[full]", "[ticket]"]
--- no_error_log
[alert]
[emerg]



=== TEST 16: in http, with no TLS anywhere
--- no_tls
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync       main;
ssl_session_sync_scope shop;
--- config
location /t {
    return 200 "[$ssl_session_sync]";
}
--- request
GET /t
--- response_body chomp
[]



=== TEST 17: in http, with a certificate and no TLS listener
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
server {
    listen unix:$TEST_NGINX_DIR/plain.sock;
    return 200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass http://unix:$TEST_NGINX_DIR/plain.sock;
}
--- request
GET /t
--- response_body chomp
[]



=== TEST 18: in stream, with no TLS anywhere
--- skip_eval: 5: !SSS::has_module('stream')
--- no_tls
--- main_config
ssl_session_sync_cluster main { }
stream {
    ssl_session_sync main;
    server {
        listen     unix:$TEST_NGINX_DIR/stream.sock;
        proxy_pass unix:$TEST_NGINX_DIR/plain.sock;
    }
}
--- http_config
server {
    listen unix:$TEST_NGINX_DIR/plain.sock;
    return 200 "[$ssl_session_sync]";
}
--- config
location /t {
    proxy_pass http://unix:$TEST_NGINX_DIR/stream.sock;
}
--- request
GET /t
--- response_body chomp
[]



=== TEST 19: in mail, with no TLS anywhere
--- skip_eval: 5: !SSS::has_module('mail')
--- no_tls
--- main_config
ssl_session_sync_cluster main { }
mail {
    ssl_session_sync main;
    auth_http        127.0.0.1:1/;
    server {
        listen   unix:$TEST_NGINX_DIR/mail.sock;
        protocol imap;
    }
}
--- config
location /t {
    return 200 "[$ssl_session_sync]";
}
--- request
GET /t
--- response_body chomp
[]



=== TEST 20: in http with no TLS, and stream has some
--- skip_eval: 10: !SSS::has_module('stream')
--- main_config
ssl_session_sync_cluster main { }
stream {
    ssl_session_sync    main;
    ssl_certificate     $TEST_NGINX_DIR/a.crt;
    ssl_certificate_key $TEST_NGINX_DIR/a.key;
    server {
        listen     unix:$TEST_NGINX_DIR/stream.sock ssl;
        proxy_pass unix:$TEST_NGINX_DIR/$ssl_session_sync.sock;
    }
    server {
        listen     unix:$TEST_NGINX_DIR/other.sock;
        proxy_pass unix:$TEST_NGINX_DIR/full.sock;
    }
}
--- http_config
ssl_session_sync main;
server {
    listen unix:$TEST_NGINX_DIR/full.sock;
    return 200 "[full]";
}
server {
    listen unix:$TEST_NGINX_DIR/ticket.sock;
    return 200 "[ticket]";
}
--- config
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/stream.sock;
}
--- request eval
["GET /t", "GET /t"]
--- response_body eval
["[full]", "[ticket]"]



=== TEST 21: in http, with TLS in one of two servers
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_cache shared:TLS:1m;
ssl_session_sync  main;
server {
    listen unix:$TEST_NGINX_DIR/plain.sock;
    return 200 "[$ssl_session_sync]";
}
server {
    listen unix:$TEST_NGINX_DIR/tls.sock ssl;
    return 200 "[$ssl_session_sync]";
}
--- config
location /p {
    proxy_pass http://unix:$TEST_NGINX_DIR/plain.sock;
}
location /t {
    proxy_pass https://unix:$TEST_NGINX_DIR/tls.sock;
}
--- request eval
["GET /p", "GET /t", "GET /t"]
--- response_body eval
["[]", "[full]", "[ticket]"]



=== TEST 22: early data: inherited, in a server, and of a cluster by default
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
ssl_session_sync_early_data off;
ssl_early_data on;
server {
    listen unix:$TEST_NGINX_DIR/off.sock ssl;
    return 200 "[$ssl_session_sync $ssl_session_sync_early_data]";
}
server {
    listen unix:$TEST_NGINX_DIR/any.sock ssl;
    ssl_session_sync_early_data any;
    return 200 "[$ssl_session_sync $ssl_session_sync_early_data]";
}
server {
    listen unix:$TEST_NGINX_DIR/once.sock ssl;
    ssl_session_sync_early_data once;
    return 200 "[$ssl_session_sync $ssl_session_sync_early_data]";
}
--- config
location /off {
    proxy_pass https://unix:$TEST_NGINX_DIR/off.sock;
}
location /any {
    proxy_pass https://unix:$TEST_NGINX_DIR/any.sock;
}
location /once {
    proxy_pass https://unix:$TEST_NGINX_DIR/once.sock;
}
--- request eval
["GET /off", "GET /any", "GET /once", "GET /once"]
--- response_body eval
["[full ]", "[full ]", "[full ]", "[ticket ]"]



=== TEST 23: early data: what "any" means is said
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
ssl_early_data on;
ssl_session_sync_early_data any;
--- config
location /t {
    return 200 "ok";
}
--- request
GET /t
--- response_body chomp
ok
--- error_log
"ssl_session_sync_early_data any": who has recorded a request in early data can have it carried out again, on every host of the cluster
