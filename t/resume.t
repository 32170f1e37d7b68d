#!/usr/bin/perl

# Tickets on one host, with clients of their own: across two workers (between
# which the kernel spreads connections, hence "reuseport"), after a reload, and
# bound to the name, the scope and the rules they were issued for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use JSON::PP qw(decode_json);
use SSS;
use Test::More;

my $dir = directory();
my %port = map { $_ => free_port() } qw(tls twin scope verify file status);

system("openssl rand -out $dir/ticket.key 80") == 0 or die;

my $conf = <<"END";
worker_processes 2;

ssl_session_sync_cluster main {
    key_rotation  1h;
}

events { }

http {
    access_log           off;
    ssl_certificate      $dir/a.crt;
    ssl_certificate_key  $dir/a.key;
    ssl_protocols        TLSv1.2 TLSv1.3;
    ssl_session_sync     main;

    server {
        listen           127.0.0.1:$port{tls} ssl reuseport;
        server_name      a.example;
        return           200 "\$pid \$ssl_session_sync";
    }

    server {
        listen           127.0.0.1:$port{tls} ssl;
        server_name      b.example;
        return           200 "\$pid \$ssl_session_sync";
    }

    server {
        listen           127.0.0.1:$port{tls} ssl;
        server_name      off.example;
        ssl_session_sync off;
        return           200 "\$pid \$ssl_session_sync";
    }

    server {
        listen           127.0.0.1:$port{twin} ssl;
        server_name      a.example;
        return           200 "\$pid \$ssl_session_sync";
    }

    server {
        listen           127.0.0.1:$port{scope} ssl;
        server_name      a.example;
        ssl_session_sync_scope  another;
        return           200 "\$pid \$ssl_session_sync";
    }

    server {
        listen           127.0.0.1:$port{verify} ssl;
        server_name      a.example;
        ssl_verify_client       optional;
        ssl_client_certificate  $dir/b.crt;
        return           200 "\$pid \$ssl_session_sync";
    }

    server {
        listen           127.0.0.1:$port{file} ssl;
        server_name      a.example;
        ssl_session_ticket_key  $dir/ticket.key;
        return           200 "\$pid \$ssl_session_sync";
    }

    server {
        listen           127.0.0.1:$port{status};
        location = /status { ssl_session_sync_status; }
    }
}
END

my $nginx = start_nginx($conf);

sub tickets {
    my $text = http_get($port{status}, '/status') or return {};
    my $json = eval { decode_json($text) } or return {};
    return $json->{clusters}[0]{tickets};
}

# [worker, how the session came about]

sub client {
    my ($port, %want) = @_;

    my $answer = tls_client($port{$port}, %want) // 'none none';
    return split / /, $answer, 2;
}

sub how {
    return (client(@_))[1] // '';
}


for my $version ('1_2', '1_3') {
    my $v = "TLS $version";
    $v =~ tr/_/./;

    # Several clients, until a ticket of each worker has resumed on the other.

    my (%pair, %seen, @wrong);

    for my $n (1 .. 60) {
        my $session = "$dir/session.$version.$n";
        my ($issuer, $first) = client('tls', version => $version,
                                      out => $session);
        my ($user, $second) = client('tls', version => $version,
                                     in => $session);

        push @wrong, "client $n: $first, then $second"
            if $first ne 'full' || $second ne 'ticket';

        $seen{$_}++ for $issuer, $user;
        $pair{"$issuer $user"}++ if $issuer ne $user;
        last if keys %pair == 2 && $n >= 4;
    }

    is_deeply(\@wrong, [], "$v: every ticket resumes");
    is(scalar keys %seen, 2, "$v: on two workers");
    is(scalar keys %pair, 2, "$v: those of one on the other and back");


    # The ticket of one name, one scope and one set of rules.

    my $session = "$dir/session.$version.bound";

    is(how('tls', version => $version, out => $session), 'full',
       "$v: a ticket of a.example");
    is(how('twin', version => $version, in => $session), 'ticket',
       "$v: resumes on another listener of the name");
    is(how('tls', version => $version, in => $session, name => 'A.eXample'),
       'ticket', "$v: whatever the case of the name");

    my $before = tickets()->{refused_binding};

    is(how('tls', version => $version, in => $session, name => 'b.example'),
       'full', "$v: not for another name");
    is(how('scope', version => $version, in => $session), 'full',
       "$v: not in another scope");
    is(how('verify', version => $version, in => $session), 'full',
       "$v: not under other rules for client certificates");

    cmp_ok(tickets()->{refused_binding}, '>=', $before + 3,
           "$v: each is counted");

    is(how('tls', version => $version, in => $session), 'ticket',
       "$v: and it is still good where it was issued");


    # A server that is off on a listener that synchronises.

    my $off = "$dir/session.$version.off";

    is(how('tls', version => $version, out => $off, name => 'off.example'), '',
       "$v: nothing to say of a server that is off");
    is(how('tls', version => $version, in => $session, name => 'off.example'),
       '', "$v: also with a ticket of another name");


    # Tickets survive a reload.

    my $worker = (client('tls', version => $version))[0];

    kill HUP => $nginx->{pid};
    ok(until_true(sub {
        my ($now) = client('tls', version => $version);
        return $now =~ /^\d+$/ && !$seen{$now};
    }), "$v: reloaded");

    is(how('tls', version => $version, in => $session), 'ticket',
       "$v: a ticket from before the reload resumes");
}


# Tickets of a key file.

{
    my $plain = $conf;

    # the same key file, in an nginx without the cluster
    $plain =~ s/^\s*ssl_session_sync\s.*\n//mg;
    $plain =~ s/127\.0\.0\.1:(\d+)/"127.0.0.1:" . other($1)/eg;

    my %other;
    sub other { return $other{$_[0]} //= free_port() }

    my $before = start_nginx($plain);

    for my $version ('1_2', '1_3') {
        my $session = "$dir/session.$version.file";

        tls_client($other{$port{file}}, version => $version, out => $session);
        ok(-s $session, "TLS $version: a ticket of an nginx with a key file");
        is(how('file', version => $version, in => $session), 'ticket',
           'resumes on a server that synchronises');
        is(how('tls', version => $version, in => $session), 'full',
           'but not where the file is not configured');
    }

    cmp_ok(tickets()->{file_key}, '>=', 2, 'both are counted');
    stop_nginx($before);
}

stop_nginx($nginx);

unlike(read_file("$nginx->{prefix}/error.log"), qr/\[(alert|emerg|crit)\]/,
       'nothing grave in the error log');

done_testing();
