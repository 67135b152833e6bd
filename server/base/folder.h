/* Folders. */
#ifndef TB_BASE_FOLDER_H
#define TB_BASE_FOLDER_H

/* Syncs the names in a folder: a file that was made or renamed outlives a power cut only then.
 * 0, or errno. Any thread. */
int tb_sync_folder(const char *path);

#endif
