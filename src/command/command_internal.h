/* SPDX-License-Identifier: GPL-3.0-or-later
 * command, private: parsed arguments, the words of completion, and helpers shared by the commands. */
#ifndef TAPEDECK_COMMAND_INTERNAL_H
#define TAPEDECK_COMMAND_INTERNAL_H

#include <pthread.h>
#include <tapedeck/command.h>

#define ARGS_MAX 48 /* options of one command */

struct arg_value {
    const char **texts; /* in the arena */
    size_t count, cap;
};
struct td_args {
    const struct td_command *command;
    struct arg_value values[ARGS_MAX];
    struct td_arena arena;
};

/* Parse words (the command's name already taken off) into *args; args_free also after a failure. TD_USAGE on anything
 * wrong. */
enum td_code args_parse(const struct td_command *command, const char *const *words, size_t count, struct td_args *args,
                        struct td_err *err);
void args_free(struct td_args *args);
/* Does the name or one of its comma-separated aliases equal `word`? */
bool name_matches(const char *name, const char *aliases, const char *word, size_t len);
/* Print the commands whose first word is `word`; false when there is none. */
bool help_group(const char *word, struct td_buf *out);
/* Append to the message what mends the error, where that is known and not said yet. */
void command_advise(const struct td_app *app, enum td_code code, struct td_err *err);
/* Nearest name of a table for "did you mean", "" when none is near. */
const char *nearest_command(const char *word);

/* Global options, understood by every command. */
extern const struct td_arg_def global_args[];
extern const size_t global_arg_count;

struct td_words { /* lock; filled on the query thread, read by the UI thread */
    pthread_mutex_t lock;
    struct td_names tickers, days, themes;
};

/* The tickers of --tickers A,B and the lines of --tickers-file, into one list; TD_DATA for a file without any. */
enum td_code command_tickers(const struct td_args *args, struct td_names *out, struct td_err *err);
/* Show a job to its end (cli) or say that it started (deck); the report goes to out. */
enum td_code command_job(struct td_app *app, int id, struct td_out *out, struct td_err *err);
void command_notice(struct td_app *app, const char *fmt, ...) TD_PRINTF(2, 3);
/* "configs/x.yaml" or "themes/x.yaml" where the shipped files are; false when there is none. */
bool command_share_path(const char *name, char *out, size_t size);
/* TD_CONFIG for a value out of its range, naming where it was written, the key, the value and the range. */
enum td_code command_check_settings(const struct td_conf *conf, struct td_err *err);
enum td_code command_check_universe(const struct td_conf *universe, struct td_err *err);
bool command_is_http(const char *url);
/* Read --universe-config over universe.yaml, where it is given; on error nothing has changed. */
enum td_code command_universe_config(struct td_app *app, const struct td_args *args, struct td_err *err);
/* A sheet of up to 16 columns in the format that was asked for. */
enum td_code command_sheet(const struct td_sheet *sheet, struct td_out *out, struct td_err *err);
struct td_screen command_screen(const struct td_app *app);
/* Base URL and key for the vendor: the embedded market's inside the demo. *key holds at least 256 bytes. */
enum td_code command_vendor(struct td_app *app, const struct td_args *args, const char **base_url, char key[256],
                            struct td_err *err);
enum td_code command_candle_options(const struct td_args *args, struct td_candle_options *out, struct td_err *err);

/* Tables of commands, one a file. */
extern const struct td_command data_commands[], import_commands[], build_commands[], universe_commands[], explain_commands[], look_commands[],
    parquet_commands[], status_commands[], trust_commands[], validate_commands[], outcome_commands[], house_commands[], deck_commands[];
extern const size_t data_command_count, import_command_count, build_command_count, universe_command_count, explain_command_count, look_command_count,
    parquet_command_count, status_command_count, trust_command_count, validate_command_count, outcome_command_count, house_command_count, deck_command_count;

#define ARG(name_, ...)                                                                                                \
    {                                                                                                                  \
        .name = name_, __VA_ARGS__                                                                                     \
    }

#endif
