// Opens connections one after the other with Node's HTTPS client, whose agent
// keeps sessions between them.
//
// client HOST PORT NAME CA VERSION CONNECTIONS

'use strict';

const fs = require('fs');
const https = require('https');

const [host, port, name, ca, version, connections] = process.argv.slice(2);

const agent = new https.Agent({
    keepAlive: false,
    ca: fs.readFileSync(ca),
    minVersion: version,
    maxVersion: version,
});

function once() {
    return new Promise((resolve, reject) => {
        https.get({host, port, agent, servername: name,
                   headers: {host: name}}, (answer) => {
            answer.on('end', resolve);
            answer.resume();
        }).on('error', reject);
    });
}

async function main() {
    for (let i = 0; i < connections; i++) {
        await once();
    }
}

main().catch((error) => {
    console.error(error.message);
    process.exit(1);
});
