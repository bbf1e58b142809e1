"""Which measure yields which goal, in the order in which they are taken."""

import dht_core_measures
import dht_measures
import replication_measures
import join_measures
import memory_measures
import raw_measures
import request_measures
import secret_measures
import security_measures
import sim_measures
import storage_measures

BY_GOAL = {
    "P1": request_measures.plain_throughput,
    "P2": request_measures.tls_throughput,
    "P1r": raw_measures.plain_throughput,
    "P2r": raw_measures.tls_throughput,
    "P2i": raw_measures.tls_instructions,
    "P3": request_measures.one_in_flight,
    "P4": request_measures.plain_throughput,
    "P5": request_measures.pooled_against_stateless,
    "P6": request_measures.core_path,
    "P7": request_measures.overload,
    "P8": join_measures.simultaneous_joins,
    "P9": request_measures.idle_neighbours,
    "P9r": raw_measures.idle_neighbours,
    "P10": request_measures.balancing,
    "D1": dht_core_measures.nearest,
    "D5": dht_core_measures.idle_memory,
    "D6": dht_measures.starts,
    "D7": dht_measures.half_killed,
    "D8": storage_measures.acknowledged_puts,
    "D10": replication_measures.republishing,
    "M1": memory_measures.plain_connections,
    "M2": memory_measures.tls_connections,
    "M1r": raw_measures.plain_connections,
    "M2r": raw_measures.tls_connections,
    "M3": memory_measures.waiting_requests,
    "M4": memory_measures.idle_program,
    "D2": dht_measures.dht_gets,
    "D3": dht_measures.dht_gets,
    "D4": dht_measures.dht_gets,
    "D9": sim_measures.lookups,
    "T23": secret_measures.durations,
    "S1": sim_measures.large,
    "S2": sim_measures.speed,
    "U5": raw_measures.resumption,
    "X1": security_measures.hello,
    "X2": security_measures.sealing,
    "X3": security_measures.sealing,
    "X4": security_measures.forgeries,
}
