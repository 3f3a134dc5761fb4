#ifndef INPUTS_CONFIG_H
#define INPUTS_CONFIG_H

#include "settings.h"

/*
 * Settings from ko.yaml or .ko.yaml and from KO_* variables; ko.yaml(5) is the manual. The format
 * is that of ko's .ko.yaml and some keys more. Each setting knows where it came from.
 *
 * One file is used: the one that KO_CONFIG_PATH names (a file, or a directory that holds one), else
 * .ko.yaml or ko.yaml in the working directory, else the nearest ko.yaml above it, up to the top of
 * a git repository. builds entries are relative to the file's directory; to the working directory
 * where KO_CONFIG_PATH names the file, as with ko.
 *
 * Precedence: options, baseImageOverrides, builds entry, variable, file, built in. KO_DOCKER_REPO
 * stands above every repository in the file, so that one variable can redirect everything.
 */

struct config_build {
	struct settings settings; /* own ones only */
	char *importpath;
	char *from; /* "ko.yaml:12" */
};

/* All zero is a valid, empty one: no settings. */
struct config {
	char *file; /* the file in use, or NULL */
	struct settings defaults;
	struct config_build *builds;
	size_t n, cap;
	/* baseImageOverrides: one element each; the case of paths does not count */
	struct strs override_paths, override_images, override_from;

	/* What the settings depend on besides variables, for a build graph. */
	struct strs files;  /* read: the config file, go.mod files of builds entries */
	struct strs absent; /* looked for and not there */
};

/*
 * Finds and reads the file and the variables. Malformed or unknown things are ERR_INPUT
 * FILE:LINE: ...; a wrong variable is ERR_USAGE. No file at all is fine.
 */
int config_load(struct config *config, struct err *err);

/* Takes the settings from the text of a file called name, and nothing else, into an empty config.
 * builds entries are relative to dir. */
int config_parse(struct config *config, const char *name, const char *dir, const char *text,
	size_t n, struct err *err);

/* Adds a baseImageOverrides entry, after checking it; errors get the class and from in front. */
int config_add_override(struct config *config, const char *path, const char *image,
	const char *from, enum err_class class, struct err *err);

/*
 * The effective settings of a program: its builds entry over the defaults; baseImageOverrides over
 * both. Lists replace, maps (labels, annotations, container environment) merge by key.
 * importpath NULL gives the defaults.
 */
void config_for(const struct config *config, const char *importpath, struct settings *settings);

/* Adds the names of the variables that settings are read from. */
void config_variables(struct strs *names);

/* For config_parse() and config_release(). */
void config_build_release(struct config_build *build);

void config_release(struct config *config);

#endif
