"""The table of scenarios: which there are, and which test plays each. Those that `tests/process` tells already stay there."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One row: a file under tests/ and the names of its tests."""

    id: str
    what: str
    file: str
    tests: tuple


def row(scenario_id, what, file, *tests):
    return Scenario(scenario_id, what, file, tests)


SCENARIOS = (
    row("C1", "kill -9 of any node under load", "process/durability_test.py",
        "test_kill_9_of_any_node_under_load_loses_nothing_that_was_acknowledged"),
    row("C2", "kill -9 of all nodes at once", "process/durability_test.py",
        "test_kill_9_of_all_nodes_at_once_loses_nothing_that_was_acknowledged"),
    row("C3", "a node that is stopped and goes on", "chaos/faults_test.py", "test_c3_a_stopped_node"),
    row("C3", "a bridge that is stopped, one that falls silent", "process/bridge_faults_test.py",
        "test_one_bridge_is_stopped_another_falls_silent_the_third_serves"),
    row("C4", "the end of a program under load", "chaos/faults_test.py", "test_c4_the_end_of_a_node_under_load"),
    row("C4", "the end of a program that works", "process/shutdown_test.py",
        "test_requests_in_flight_at_a_node_end_with_an_answer_or_a_code",
        "test_a_join_that_waits_for_a_silent_bridge_ends_with_a_code"),
    row("C5", "one bridge down, all down, and back", "process/bridge_failure_test.py", "test_one_bridge_dies_and_comes_back",
        "test_without_bridges_and_peers_a_newcomer_hears_so", "test_without_bridges_the_bootstrap_names_live_peers"),
    row("C5", "a bridge that restarts every second", "process/bridge_faults_test.py", "test_a_bridge_restarts_every_second"),
    row("C6", "cut in two, behind nginx", "process/network_test.py", "test_a_network_of_eighteen_programs_survives"),
    row("C6", "cut one way, and into three", "chaos/faults_test.py", "test_c6_cut_one_way_and_into_three"),
    row("C7", "a reset and silence are told apart", "chaos/faults_test.py", "test_c7_refused_and_swallowed"),
    row("C8", "loss", "chaos/faults_test.py", "test_c8_loss"),
    row("C8", "delay, jitter, a narrow line", "chaos/lines_test.py", "test_c8_delay_jitter_and_a_narrow_line"),
    row("C8", "turned bits, resets", "chaos/lines_test.py", "test_bytes_that_change_on_their_way", "test_resets_in_the_middle"),
    row("C9", "half-open connections; accepted and ignored", "chaos/lines_test.py", "test_c9_half_open",
        "test_a_bootstrap_that_accepts_and_says_nothing"),
    row("C10", "a storm of connections", "chaos/strangers_test.py", "test_c10_a_storm_of_connections"),
    row("C11", "held connections", "chaos/strangers_test.py", "test_c11_held_connections"),
    row("C12", "slowloris", "chaos/strangers_test.py", "test_c12_slowloris", "test_c12_a_message_that_trickles_in_on_a_proven_link"),
    row("C13", "slow readers", "chaos/hostile_test.py", "test_c13_slow_readers"),
    row("C13", "clients that do not read their joins", "process/bridge_faults_test.py",
        "test_clients_that_do_not_read_cost_themselves_their_connection_and_nobody_else"),
    row("C14", "oversized", "chaos/hostile_test.py", "test_c14_oversized"),
    row("C14", "every limit of the WebSocket protocol", "process/web_socket_conformance_test.py", "test_every_row"),
    row("C15", "garbage instead of TLS", "chaos/strangers_test.py", "test_c15_garbage_instead_of_tls"),
    row("C16", "floods", "chaos/hostile_test.py", "test_c16_floods_harm_nobody_else",
        "test_c16_floods_are_cut_and_kept_out_for_a_while", "test_c16_opening_and_closing"),
    row("C17", "no descriptors left", "chaos/strangers_test.py", "test_c17_no_descriptors_left"),
    row("C18", "a full disk", "process/durability_test.py",
        "test_a_full_disk_refuses_with_a_code_serves_what_it_has_and_recovers"),
    row("C19", "a data folder that goes away, cannot be used, or is damaged", "process/durability_test.py",
        "test_a_data_folder_that_is_removed_is_noticed", "test_a_damaged_file_is_set_aside_and_the_other_nodes_make_good",
        "test_a_folder_that_cannot_hold_records_stops_the_start_with_the_reason"),
    row("C19", "bad settings and folders stop a start, each with its exit code", "process/command_line_test.py",
        "test_bad_settings_are_3", "test_a_data_folder_that_cannot_be_used_is_5"),
    row("C20", "128 MiB of memory", "chaos/shortage_test.py", "test_c20_a_group_of_128_mib"),
    row("C21", "the calendar jumps", "chaos/shortage_test.py", "test_c21_the_calendar_jumps"),
    row("C22", "names that lie, change and fall silent", "chaos/shortage_test.py",
        "test_c22_names_that_lie_change_and_fall_silent"),
    row("C23", "a proxy that restarts, answers 502, or something else", "process/proxy_test.py",
        "test_a_restarted_proxy_is_found_again_by_everybody", "test_a_bridge_that_starts_after_the_proxy_is_502_until_then",
        "test_what_a_wrong_location_answers_is_explained", "test_a_quiet_connection_outlives_the_read_timeout_of_the_proxy",
        "test_health_never_fails_falsely_under_load"),
    row("C23", "a prefix that was not taken off", "process/doctor_test.py", "test_05_prefix_not_taken_off"),
    row("C25", "settings change under load", "process/reload_test.py",
        "test_from_pool_to_stateless_and_back_under_load_no_request_fails"),
    row("C25", "certificates change under load", "process/tls_test.py",
        "test_a_renewed_certificate_is_shown_without_dropping_anybody"),
    row("C26", "a crowd of newcomers, one bridge killed in the middle", "process/scale_test.py",
        "test_a_crowd_joins_through_two_bridges_and_one_is_killed_in_the_middle"),
    row("C29", "malformed inputs of a proven peer", "chaos/hostile_test.py", "test_c29_malformed_inputs"),
    row("C30", "who asks the admin listener", "chaos/shortage_test.py", "test_c30_who_asks_the_admin_listener"),
    row("C31", "a log that nobody reads, a scraper that reads nothing", "process/operators_test.py",
        "test_a_log_that_nobody_reads_delays_nobody", "test_a_scraper_that_never_reads_delays_nobody"),
)
# 24, 27, 28 and 32 are of other chapters: upgrades, empty networks, long runs, one core.
IDS = tuple(f"C{number}" for number in (*range(1, 24), 25, 26, *range(29, 32)))
