#!/usr/bin/perl

# Good configurations: what nginx -t accepts without a word and without asking
# a server, what status then says of it, and what a reload keeps.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use SSS;
use Test::More;

my $dir = directory();
my $good = '0123456789abcdef' x 4;
my $other = '00112233445566778899aabbccddeeff' x 2;

secret_file('group.secret', "$good\n", 0640);
secret_file('eight.secret', join '', map { sprintf "%064x\n", $_ * 7919 }
                                         1 .. 8);
secret_file('written.secret', "# of 2026\r\n\r\n  $good # seals\r\n"
                              . "\t" . uc($other) . '#opens');
symlink "$dir/group.secret", "$dir/link.secret" or die $!;

my $certificate = "ssl_certificate $dir/a.crt; ssl_certificate_key $dir/a.key;";
my $listen = "listen unix:$dir/t.sock ssl;";
my $server = "server { $listen $certificate ssl_session_sync main; }";
my $memcached = 'memcached 127.0.0.1:11211;';


# Accepted.

sub cluster {
    my ($directives) = @_;

    return "ssl_session_sync_cluster main { $directives }\n"
           . "events { }\nhttp { $server }\n";
}

sub http {
    my ($text) = @_;

    return "ssl_session_sync_cluster main { }\nevents { }\nhttp { $text }\n";
}

sub accepted {
    my ($what, $conf) = @_;

    my ($status, $text) = test_nginx($conf);

    is($status, 0, "$what: accepted") or diag($text);
    unlike($text, qr/\[(?!notice)\w+\]/, "$what: without a word");
}

my @addresses = ('127.0.0.1:1', '127.0.0.1:65535', '[::1]:11211',
                 '[2001:db8::1]:11211', '[::ffff:192.0.2.1]:11211',
                 'localhost:11211', 'cache-1.in_house.example:11211',
                 'unix:/run/memcached.sock');

accepted('nothing but a name', cluster(''));
accepted('every kind of address',
         cluster("secret_file $dir/good.secret;"
                 . join '', map { "memcached $_;" } @addresses));
accepted('as many servers as are taken',
         cluster("secret_file $dir/good.secret;"
                 . join '', map { "memcached 127.0.0.1:$_ weight=1000;" }
                                1 .. 16));
accepted("a secret file: $_", cluster("$memcached secret_file $dir/$_;"))
    for qw(good.secret group.secret eight.secret written.secret link.secret);
accepted('a secret without memcached',
         cluster("secret_file $dir/good.secret;"));
accepted("limits: $_", cluster($_))
    for 'key_rotation 366d;', 'key_rotation 8s;', 'poll_interval 900s;', 'lookup_timeout 1ms;',
        'key_rotation 4s; poll_interval 1s;', 'namespace ' . 'n' x 127 . ';';
accepted('a rotation of a second',
         cluster('key_rotation 1s; poll_interval 250ms;'));
accepted('a name of 127 characters',
         "ssl_session_sync_cluster " . 'n' x 127 . " { }\nevents { }\n");
accepted('a cluster after http',
         "events { }\nhttp { $server }\nssl_session_sync_cluster main { }\n");
accepted('a cluster that nobody uses', http(''));
accepted('clusters that differ in one letter',
         "ssl_session_sync_cluster Main { }\n"
         . "ssl_session_sync_cluster main2 { }\n" . http($server));
accepted('off without any cluster',
         "events { }\nhttp { ssl_session_sync off; }\n");
accepted('a plain server that inherits', http(
         "ssl_session_sync main; $certificate server { $listen }"
         . "server { listen unix:$dir/p.sock; }"));
accepted('overridden everywhere', http(
         "ssl_session_sync main; $certificate"
         . "server { $listen ssl_session_sync off; }"));
accepted('a default server that rejects handshakes', http(
         'ssl_session_sync main;'
         . "server { listen unix:$dir/t.sock ssl default_server; "
         . "ssl_reject_handshake on; }"
         . "server { $listen server_name a.example; $certificate }"))
    if `$ENV{TEST_NGINX_BINARY} -v 2>&1` !~ m{nginx/1\.(?:1[0-8]|19\.[0-3])\b};
accepted('name-based servers: off, another cluster, another scope',
         "ssl_session_sync_cluster two { }\n" . http(
         "$certificate ssl_session_sync main;"
         . "server { $listen server_name a.example; }"
         . "server { $listen server_name b.example; ssl_session_sync off; }"
         . "server { $listen server_name c.example; ssl_session_sync two; }"
         . "server { $listen server_name d.example; "
         . 'ssl_session_sync_scope x; }'));
accepted('scopes', http("ssl_session_sync_scope auto; $certificate"
         . "server { $listen ssl_session_sync main; "
         . 'ssl_session_sync_scope "a scope"; }'));

if (has_module('stream')) {
    accepted('stream', "ssl_session_sync_cluster main { }\nevents { }\n"
             . "stream { ssl_session_sync main; ssl_session_sync_scope x;"
             . "$certificate server { $listen return ''; }"
             . "server { listen unix:$dir/p.sock; return ''; } }\n");
}

if (has_module('mail')) {
    accepted('mail', "ssl_session_sync_cluster main { }\nevents { }\n"
             . 'mail { auth_http 127.0.0.1:1/; ssl_session_sync main;'
             . "ssl_session_sync_scope x; $certificate"
             . "server { $listen protocol imap; }"
             . "server { listen unix:$dir/p.sock; protocol imap; "
             . 'starttls on; } }');
}


# nginx -t asks no server; a started nginx does, or this would say nothing.

my $counter = IO::Socket::INET->new(Listen => 16, LocalAddr => '127.0.0.1',
                                    Blocking => 0) or die "listen: $!";
my $watched = 'memcached 127.0.0.1:' . $counter->sockport
              . "; secret_file $dir/good.secret; poll_interval 100ms;";

accepted('a server that counts', cluster($watched));
ok(!$counter->accept, 'nginx -t does not connect to it');

my $asking = start_nginx(cluster($watched));

ok(until_true(sub { $counter->accept }), 'nginx does');
stop_nginx($asking);
close $counter;


# What status says of several clusters, and what a reload keeps.

my ($tls, $inherit, $off, $status) = map { free_port() } 1 .. 4;

sub conf {
    my ($main, $more, $timeout) = @_;
    $more //= '';
    $timeout //= '5m';

    return <<"END";
worker_processes 2;

events { }

http {
    access_log       off;
    $certificate
    ssl_protocols    TLSv1.2;
    ssl_session_sync two;

    server {
        listen           127.0.0.1:$tls ssl;
        ssl_session_sync main;
        ssl_session_timeout $timeout;
        return           200 "[\$pid \$ssl_session_sync]";
    }

    server {
        listen           127.0.0.1:$inherit ssl;
        return           200 "[\$pid \$ssl_session_sync]";
    }

    server {
        listen           127.0.0.1:$off ssl;
        ssl_session_sync off;
        return           200 "[\$pid \$ssl_session_sync]";
    }

    server {
        listen 127.0.0.1:$status;
        location = /status { ssl_session_sync_status; }
    }
}

ssl_session_sync_cluster main { $main }
ssl_session_sync_cluster two  { namespace 2; key_rotation 1d; }
$more
END
}

sub how {
    my ($port, %want) = @_;

    return handshake($port, version => '1_2', %want)->{body} =~ s/^\d+ //r;
}

# Of the keys of a cluster all, and by slot and rotation the one that encrypts.

sub key_names {
    my ($name) = @_;
    return map { $_->{name} } @{clusters($status)->{$name}{keys}};
}

sub encrypting {
    my ($name) = @_;
    my ($key) = grep { $_->{role} eq 'current' }
                     @{clusters($status)->{$name}{keys}};
    return ("$key->{slot} of $key->{rotation}" => $key->{name});
}

# Whether none is missing afterwards. There may be new ones at any time.

sub kept {
    my ($name, @before) = @_;
    my %after = map { $_ => 1 } key_names($name);
    return !grep { !$after{$_} } @before;
}

my $nginx = start_nginx(conf(''));

my %now = %{clusters($status)};

is_deeply([sort keys %now], ['main', 'two'], 'two clusters');
is_deeply([map { $now{main}{$_} } qw(namespace state attached key_rotation
                                     poll_interval_ms)],
          ['main', 'local', 1, 3600, 2000], 'defaults');
is_deeply([map { $now{two}{$_} } qw(namespace attached key_rotation
                                    poll_interval_ms)],
          ['2', 1, 86400, 2000], 'what is given, and the rest');

my $session = "$dir/main.session";
my $second = "$dir/two.session";

is(how($tls, out => $session), 'full', 'a ticket of main');
is(how($inherit, out => $second), 'full', 'a ticket of the other cluster');
is(how($tls, in => $second), 'full', 'which main does not open');
is(how($inherit, in => $session), 'full', 'nor the other that of main');
is(how($off), '', 'off');

# A zone for 4,096 keys does for 5 minutes of an hour. 605 keys of this host for
# 25 days, eight times as many for other hosts' and rounded up to 1,024, make
# 5,120; what is there is kept by a zone that does not shrink.

my $capacity = $now{main}{ring_capacity};

is($capacity, 4096, 'the capacity of the zone');

for my $change (['nothing'],
                ['ssl_session_timeout, to more', '', '', '25d', 5120],
                ['ssl_session_timeout, to less', '', '', '1m', 5120],
                ['both', 'key_rotation 10m;', '', '5d', 6144],
                ['another cluster', '', "ssl_session_sync_cluster new { }\n"],
                ['key_rotation', 'key_rotation 2h;'],
                ['key_rotation, to less', 'key_rotation 10m;'],
                ['all of it', 'key_rotation 30m;', '', '6d'])
{
    my ($what, $main, $more, $timeout, $room) = @$change;
    my @before = key_names('main');
    my @two = key_names('two');
    my %encrypting = encrypting('main');
    my $counted = clusters($status)->{main}{handshakes};

    ok(reload_nginx($nginx, conf($main // '', $more, $timeout)), "$what: reloaded")
        or diag(error_log($nginx));

    ok(kept('main', @before), "$what: no key is lost");
    ok(kept('two', @two), "$what: nor one of the other cluster");
    is_deeply(clusters($status)->{main}{handshakes}, $counted,
              "$what: nor is a count");
    is(how($tls, in => $session), 'ticket', "$what: the ticket resumes");
    is(how($inherit, in => $second), 'ticket',
       "$what: that of the other cluster, too");

    my $cluster = clusters($status)->{main};
    my ($current) = grep { $_->{role} eq 'current' } @{$cluster->{keys}};

    is($current->{rotation}, $cluster->{key_rotation},
       "$what: the current key is one of this rotation")
        or diag(explain($cluster->{keys}));

    my ($slot, $name) = encrypting('main');

    is($name, $encrypting{$slot}, "$what: the key that encrypts is the same")
        if $encrypting{$slot};
    $capacity = $room // $capacity;
    is($cluster->{ring_capacity}, $capacity, "$what: the capacity");
    ok(clusters($status)->{new}, "$what: the new one is there") if $more;
}


# A reload that is refused changes nothing.

my @keys = key_names('main');
my @workers = workers($nginx);

write_file("$nginx->{prefix}/nginx.conf",
           read_file("$nginx->{prefix}/nginx.conf")
           . "ssl_session_sync_cluster main { }\n");
kill HUP => $nginx->{pid};

ok(until_true(sub {
    error_log($nginx) =~ /cluster "main" is already defined in /;
}), 'a reload is refused');
is_deeply([workers($nginx)], \@workers, 'workers stay');
ok(kept('main', @keys), 'and keys');
is(how($tls, in => $session), 'ticket', 'and tickets');

stop_nginx($nginx);

unlike(error_log($nginx), qr/\[(alert|crit)\]/,
       'nothing grave in the error log');

done_testing();
