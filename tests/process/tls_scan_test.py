"""The distribution's testssl.sh looks at a bootstrap-node as it would at any server: it finds nothing to complain of.

The ordinary form asks for protocols and forward secrecy; TRESTLE_LONG=1 for ciphers and known vulnerabilities as well, which
takes minutes.
"""

import json
import os
import re
import shutil
import subprocess
import time
import unittest

from process_case import HOST, ProcessCase

LONG = os.environ.get("TRESTLE_LONG") == "1"
PARTS = {"--protocols": ("TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "SSLv2", "SSLv3"),
         "--pfs": ("PFS", "PFS_ciphers", "PFS_ECDHE_curves"),
         "--standard": ("cipherlist_NULL", "cipherlist_aNULL", "cipherlist_EXPORT", "cipherlist_STRONG"),
         "--vulnerable": ("heartbleed", "CCS", "ticketbleed", "ROBOT", "secure_renego", "secure_client_renego", "CRIME_TLS",
                          "BREACH", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4")}
ORDINARY = ("--protocols", "--pfs")
PATIENCE_S = 1500
NO_FINDINGS = ("OK", "INFO")
# What the scanner says of the machine that it runs on: without the GOST engine its own openssl cannot try GOST suites.
ABOUT_ITSELF = ("engine_problem",)


@unittest.skipUnless(shutil.which("testssl"), "testssl.sh is not installed")
class TlsScanTest(ProcessCase):

    def scan(self, network, parts):
        """What was found out: {what: (severity, finding)}."""
        report = network.folder / "scan.json"
        begun = time.monotonic()
        ended = subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--connect-timeout", "5",
             "--openssl-timeout", "10", "--add-ca", str(network.issuer_file), "--jsonfile", str(report), *parts,
             f"{HOST}:{network.bootstrap.port}"],
            capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, stdin=subprocess.DEVNULL, check=False)
        self.assertTrue(report.exists(), ended.stdout + ended.stderr)
        found = {entry["id"]: (entry["severity"], entry["finding"]) for entry in json.loads(report.read_text())}
        print(f"\ntestssl.sh {' '.join(parts)}: {len(found)} findings in {time.monotonic() - begun:.0f} s", flush=True)
        return found

    def test_nothing_is_found(self):
        network = self.prepare_network(tls=True)
        network.start_bootstrap()
        parts = tuple(PARTS) if LONG else ORDINARY
        found = self.scan(network, parts)
        for part in parts:
            self.assertEqual([name for name in PARTS[part] if name not in found], [], f"{part} looked at less than it should")
        complaints = {name: entry for name, entry in found.items()
                      if entry[0] not in NO_FINDINGS and name not in ABOUT_ITSELF}
        self.assertEqual(complaints, {})
        offered = {name: finding for name, (_, finding) in found.items() if re.fullmatch(r"(SSLv\d|TLS1(_\d)?)", name)}
        self.assertEqual({name for name, finding in offered.items() if not finding.startswith("not offered")},
                         {"TLS1_2", "TLS1_3"}, offered)
        self.assertTrue(network.bootstrap.is_running)


if __name__ == "__main__":
    unittest.main()
